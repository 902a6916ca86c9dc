"""Cut nested training subsets out of annotations: one order, of which every subset is a prefix.

  python create_subsets.py --annotations instances_train2017.json --class-map voc --out subsets --fractions 1 2.5 5 100
  python create_subsets.py --annotations my_yolo_folder --strategy stratified --counts 100 300 1000 --out subsets

DIR/order.json holds the order, the fractions, the images' ids, the strategy, the draw and the checksum of the source;
with --write-json there is a COCO file for every subset, too. The flags of the script of 2019 work as they did:
--dataset-format, --original-json-path, --output-directory and --fraction-array (parts of one).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets.annotations import Annotations, for_training
from datasets.command import (
    add_annotation_arguments,
    add_image_arguments,
    add_validation_arguments,
    image_folders,
    read_annotations,
    read_validation,
)
from datasets.errors import InputError, command
from datasets.files import write_text
from datasets.findings import Finding, findings_csv, summarise
from datasets.formats.coco import write_subsets
from datasets.orders.order import Order, apply_order, fraction_of, make_order, write_order
from datasets.orders.strategies import STRATEGIES

FRACTIONS = (1, 2.5, 5, 10, 15, 20, 30, 50, 75, 100)


@command
def main(argv: list[str] | None = None) -> int | None:
    """Run the command line."""
    args = _parse(argv)
    annotations, report = read_annotations(args)
    print(summarise(annotations, report))
    leaks = find_leaking(args, annotations) if args.drop_leaks else []
    kept = leave_out(annotations, leaks)
    order = make_order(kept, args.draw, choose_fractions(args, kept.num_images), args.strategy, args.ranking)
    order = replace(order, left_out=tuple(id_ for f in leaks for id_ in annotations.image_ids[f.rows].tolist()))
    print(describe(annotations, order))
    out, suffix = args.out or args.output_directory, f"-draw-{args.draw}" if args.draw else ""
    if leaks:
        write_text(out / "leaks.csv", findings_csv([("train", finding) for finding in leaks], "left out"))
    if args.write_json or args.output_directory:
        name = "fraction_of_{:.12g}{}".format if args.output_directory else "subset-{:.12g}{}.json".format
        unit = 100 if args.output_directory else 1
        write_subsets({out / name(fraction / unit, suffix): size
                       for fraction, size in zip(order.fractions, order.sizes)}, apply_order(annotations, order))
    write_order(out / f"order{suffix}.json", order)


def choose_fractions(args: argparse.Namespace, images: int) -> Sequence[float]:
    """Return the subsets asked for, in per cent. Raises InputError for a count that is not from 1 to `images`."""
    if args.counts:
        return [fraction_of(count, images) for count in args.counts]
    if args.fraction_array:
        return [float(f"{100 * part:.12g}") for part in _numbers(args.fraction_array)]
    return args.fractions or [fraction for fraction in FRACTIONS if fraction * images >= 100]


def find_leaking(args: argparse.Namespace, train: Annotations) -> list[Finding]:
    """Return the training images that the validation set has, too, and say so.

    Raises InputError where it is not said where the images are.
    """
    from datasets.checks import find_leaks  # its library for perceptual hashes takes half a second to load

    validation = read_validation(args, train)
    if validation is None:
        raise InputError("--drop-leaks: give the validation annotations, too, with --validation")
    train_folder, validation_folder = image_folders(args)
    leaks = find_leaks(train, train_folder, validation[0], validation_folder, args.max_distance)
    print("\n".join(str(finding) for finding in leaks) or "no training image is in the validation set")
    return leaks


def leave_out(annotations: Annotations, findings: Sequence[Finding]) -> Annotations:
    """Return `annotations` without the images that `findings` concern."""
    keep = np.ones(annotations.num_images, bool)
    for finding in findings:
        keep[finding.rows] = False
    return annotations.take(np.flatnonzero(keep))


def describe(annotations: Annotations, order: Order) -> str:
    """Return a line per subset: its fraction, images, boxes to learn from and the classes it has none of."""
    lines = []
    for fraction, size, boxes in zip(order.fractions, order.sizes, count_boxes(annotations, order)):
        absent = [name for name, count in zip(annotations.categories, boxes) if not count]
        note = f"   no box of: {', '.join(absent)}" if absent else ""
        lines.append(f"{fraction:>8g} %  {size:>8,} images  {boxes.sum():>9,} boxes{note}")
    return "\n".join(lines)


def count_boxes(annotations: Annotations, order: Order) -> np.ndarray:
    """Return int64 [S, K]: the boxes to learn from of every class in every subset."""
    usable, classes = for_training(annotations), len(annotations.categories)
    rank = np.full(annotations.num_images, annotations.num_images)  # those left out come last
    rank[order.positions(annotations)] = np.arange(len(order.image_ids))
    subset = np.searchsorted(order.sizes, rank, side="right")[usable.image_of_box()]  # the first that has the box
    counts = np.bincount(subset * classes + usable.classes, minlength=(len(order.sizes) + 1) * classes)
    return counts.reshape(-1, classes)[:-1].cumsum(axis=0)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_annotation_arguments(parser)
    out = parser.add_mutually_exclusive_group(required=True)
    out.add_argument("--out", type=Path, metavar="DIR", help="where order.json goes")
    out.add_argument("--output-directory", type=Path, metavar="DIR",
                     help="the same, with a COCO file fraction_of_<part> for every subset")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--fractions", nargs="+", type=float, metavar="PERCENT",
                       help=f"per cent of the images (default: {' '.join(map(str, FRACTIONS))})")
    sizes.add_argument("--counts", nargs="+", type=int, metavar="N", help="numbers of images instead")
    sizes.add_argument("--fraction-array", nargs="+", metavar="PART", help="parts of one instead")
    parser.add_argument("--strategy", choices=STRATEGIES, default="random",
                        help="random: by hash; stratified: every class in its proportion at every size; "
                             "balanced: rare classes first; order-file: as --ranking says (default: %(default)s)")
    parser.add_argument("--ranking", metavar="FILE", help="images in order, a name or id a line or a JSON list")
    parser.add_argument("--draw", type=int, default=0, help="another draw is another order (default: 0)")
    parser.add_argument("--write-json", action="store_true", help="also write each subset as a COCO file")
    parser.add_argument("--drop-leaks", action="store_true",
                        help="leave out training images that are in the validation set, too (needs --validation, "
                             "--images)")
    add_validation_arguments(parser)
    add_image_arguments(parser)
    return parser.parse_args(argv)


def _numbers(words: Sequence[str]) -> list[float]:
    """Return the numbers in words such as "[0.1," "0.2]". Raises InputError for a word that is none."""
    parts = " ".join(words).replace(",", " ").strip(" []()").split()
    try:
        return [float(part) for part in parts]
    except ValueError:
        raise InputError(f"--fraction-array {' '.join(words)}: give parts of one, such as 0.01 0.025 0.05") from None


if __name__ == "__main__":
    raise SystemExit(main())
