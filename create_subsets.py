"""Cut nested training subsets out of annotations: one order, of which every subset is a prefix.

FOLDER/order.json holds the order, the fractions, the images' ids, the strategy, the draw and the checksum of the
source; with --write-json there is a COCO file for every subset, too. The flags of the script of 2019 work as they did:
--dataset-format, --original-json-path, --output-directory and --fraction-array (parts of one).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from datasets.annotations import Annotations
from datasets.command import (
    add_annotation_arguments,
    add_image_arguments,
    add_order_arguments,
    add_validation_arguments,
    as_answer,
    image_folders,
    read_annotations,
    read_validation,
)
from datasets.errors import InputError, command
from datasets.files import write_text
from datasets.findings import Finding, findings_csv, summarise
from datasets.formats.coco import write_subsets
from datasets.listing import list_names
from datasets.orders.order import (
    FRACTIONS,
    Order,
    apply_order,
    count_boxes,
    fraction_of,
    make_order,
    read_order,
    write_order,
)
from datasets.parser import Parser, add_json, answering, count, percent

EXAMPLES = """examples:
  python create_subsets.py --annotations instances_train2017.json --class-map voc --fractions 1 2.5 5 100 --out subsets
  python create_subsets.py --annotations my_yolo_folder --strategy stratified --counts 50 100 200 --out yolo_subsets
"""


@command
def main(argv: list[str] | None = None) -> int | None:
    """Run the command line."""
    args = make_parser().parse_args(argv)
    if args.drop_leaks and not (args.validation or args.validation_split):
        raise InputError("--drop-leaks: name the validation annotations, too, with --validation, or with "
                         "--validation-split where they are in the same folder")
    if args.fraction_array:
        args.fraction_array = _parts(args.fraction_array)
    with answering(args) as answer:
        answer |= create(args)


def create(args: argparse.Namespace) -> dict[str, Any]:
    """Cut the subsets that the arguments ask for, say what they are, and return it as plain values."""
    annotations, report = read_annotations(args)
    print(summarise(annotations, report))
    leaks = find_leaking(args, annotations) if args.drop_leaks else []
    kept, left_out = part(annotations, leaks) if leaks else (annotations, None)
    order = make_order(kept, args.draw, choose_fractions(args, kept.num_images), args.strategy, args.ranking, left_out)
    out, suffix = args.out or args.output_directory, f"-draw-{args.draw}" if args.draw else ""
    path = out / f"order{suffix}.json"
    refuse_changed(path, order)
    print(describe(kept, order))
    if left_out:
        write_text(out / f"leaks{suffix}.csv", findings_csv([("train", finding) for finding in leaks], "left out"))
        print(f"left out: {left_out.num_images:,} images, listed in {out / f'leaks{suffix}.csv'}")
    files = []
    if args.write_json or args.output_directory:
        name = "fraction_of_{:.12g}{}".format if args.output_directory else "subset-{:.12g}{}.json".format
        unit = 100 if args.output_directory else 1
        files = [out / name(fraction / unit, suffix) for fraction in order.fractions]
        write_subsets(dict(zip(files, order.sizes)), apply_order(kept, order))
    write_order(path, order)
    print(f"order: {path}")
    return {"order": path, "strategy": args.strategy, "draw": args.draw, "train": as_answer(annotations, report),
            "leaks": left_out.num_images if left_out else 0, "subsets": subset_rows(kept, order, files)}


def choose_fractions(args: argparse.Namespace, images: int) -> Sequence[float]:
    """Return the subsets asked for, in per cent. Raises InputError for a count that is not from 1 to `images`."""
    if args.counts:
        return [fraction_of(count, images) for count in args.counts]
    if args.fraction_array:
        return [float(f"{100 * part:.12g}") for part in args.fraction_array]
    return args.fractions or [fraction for fraction in FRACTIONS if fraction * images >= 100]


def find_leaking(args: argparse.Namespace, train: Annotations) -> list[Finding]:
    """Return the training images that the validation set has, too, and say so.

    Raises InputError where it is not said where the images are.
    """
    from datasets.checks import find_leaks  # its library for perceptual hashes takes half a second to load

    validation, _ = read_validation(args, train)
    train_folder, validation_folder = image_folders(args, train, validation)
    leaks = find_leaks(train, train_folder, validation, validation_folder, args.max_distance)
    print("\n".join(str(finding) for finding in leaks) or "no training image is in the validation set")
    return leaks


def part(annotations: Annotations, leaks: Sequence[Finding]) -> tuple[Annotations, Annotations]:
    """Return the images that no finding concerns, and those that one does. Raises InputError where none is left."""
    keep = np.ones(annotations.num_images, bool)
    for finding in leaks:
        keep[finding.rows] = False
    if not keep.any():
        raise InputError(f"{annotations.source}: all {len(keep)} training images are in the validation set, too")
    return annotations.take(np.flatnonzero(keep)), annotations.take(np.flatnonzero(~keep))


def refuse_changed(path: Path, order: Order) -> None:
    """Raise InputError if there is another order at `path`, whose subsets lie beside it. Fractions may differ."""
    if path.exists() and replace(read_order(path), fractions=(), source="") != replace(order, fractions=(), source=""):
        raise InputError(f"{path}: holds another order, by another source, class map or strategy; choose another "
                         "folder, or delete that file and its subsets")


def describe(annotations: Annotations, order: Order) -> str:
    """Return a line per subset: its fraction, images, boxes to learn from and the classes it has none of."""
    rows = subset_rows(annotations, order)
    notes = [f"   no box of: {list_names(row['absent'])}" if row["absent"] else "" for row in rows]
    return "\n".join(f"{row['fraction']:>8.12g} %  {row['images']:>8,} images  {row['boxes']:>9,} boxes{note}"
                     for row, note in zip(rows, notes))


def subset_rows(annotations: Annotations, order: Order, files: Sequence[Path] = ()) -> list[dict[str, Any]]:
    """Return a row per subset, as --json has them."""
    counts = count_boxes(annotations, order.positions(annotations), order.sizes)
    return [{"fraction": fraction, "images": size, "boxes": int(boxes.sum()), "file": file,
             "absent": [name for name, count in zip(annotations.categories, boxes) if not count]}
            for fraction, size, boxes, file in zip(order.fractions, order.sizes, counts, files or repeat(None))]


def make_parser() -> Parser:
    parser = Parser(prog="python create_subsets.py", description=__doc__, epilog=EXAMPLES)
    add_annotation_arguments(parser)
    out = parser.add_mutually_exclusive_group(required=True)
    out.add_argument("--out", type=Path, metavar="FOLDER", help="where order.json goes")
    out.add_argument("--output-directory", type=Path, metavar="FOLDER",
                     help="the same, with a COCO file fraction_of_<part> for every subset")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--fractions", nargs="+", type=percent, metavar="PERCENT",
                       help=f"per cent of the images (default: {' '.join(f'{f:g}' for f in FRACTIONS)})")
    sizes.add_argument("--counts", nargs="+", type=count, metavar="N", help="numbers of images instead")
    sizes.add_argument("--fraction-array", nargs="+", metavar="PART", help="parts of one instead")
    add_order_arguments(parser)
    parser.add_argument("--write-json", action="store_true", help="also write each subset as a COCO file")
    parser.add_argument("--drop-leaks", action="store_true",
                        help="leave out training images that are in the validation set, too (needs --validation, "
                             "--images)")
    add_validation_arguments(parser)
    add_image_arguments(parser)
    add_json(parser)
    return parser


def _parts(words: Sequence[str]) -> list[float]:
    """Return the parts of one in words such as "[0.1," "0.2]". Raises InputError for a word that is none."""
    with suppress(ValueError):
        parts = [float(word) for word in " ".join(words).replace(",", " ").strip(" []()").split()]
        if parts and all(0 < part <= 1 for part in parts):
            return parts
    raise InputError(f"--fraction-array {' '.join(words)}: give parts of one, such as 0.01 0.025 0.05")


if __name__ == "__main__":
    raise SystemExit(main())
