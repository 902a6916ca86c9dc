"""The arguments that all commands on annotations share, those of the scripts of 2019 among them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets.annotations import Annotations
from datasets.class_map import read_class_map
from datasets.errors import InputError
from datasets.findings import ReadReport
from datasets.orders.order import check_strategy
from datasets.orders.strategies import STRATEGIES
from datasets.read import FORMATS, has_splits, read

ALIKE = 6  # bits of 64 in which perceptual hashes of the same picture differ at most: datasets/leaks.py

def add_annotation_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which annotations are read, and how."""
    parser.add_argument("--annotations", "--json-path", "--original-json-path", required=True, metavar="PATH",
                        help="COCO or BDD100K file, VOC folder, YOLO folder or data.yaml")
    parser.add_argument("--format", "--dataset-format", type=str.lower, choices=FORMATS, default="",
                        help="of the annotations (default: recognised by content)")
    parser.add_argument("--split", default="", metavar="SPLIT",
                        help="which split of a VOC or YOLO folder (default: train)")
    parser.add_argument("--class-map", default="", metavar="MAP",
                        help="voc, bdd, or a YAML file that keeps, renames, merges and drops classes")
    parser.add_argument("--classes", "--wanted-categories", nargs="+", default=(), metavar="NAME",
                        help="keep only these classes, in this order; spaces or commas between")
    parser.add_argument("--strict", action="store_true", help="refuse what would be repaired or left out")


def add_validation_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says where the validation set is."""
    parser.add_argument("--validation", metavar="PATH", help="annotations of the validation images")
    parser.add_argument("--validation-split", default="", metavar="SPLIT",
                        help="their split in a folder, that of the training where --validation is left out "
                             "(default with --validation: val)")


def add_image_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where the images are, and how alike two of them may be."""
    parser.add_argument("--images", metavar="FOLDER", help="folder that the file names of the images start from; "
                                                           "YOLO and VOC data sets know their own")
    parser.add_argument("--validation-images", metavar="FOLDER",
                        help="the same for the validation images (default: as --images)")
    parser.add_argument("--max-distance", type=int, default=ALIKE, choices=range(-1, 65), metavar="BITS",
                        help="images whose 64-bit perceptual hashes differ by so many bits are alike "
                             "(default: %(default)s; 0: nearly the same; -1: only identical files)")


def add_order_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says in which order subsets are cut."""
    parser.add_argument("--strategy", choices=STRATEGIES, default="random",
                        help="random: by hash; stratified: every class in its proportion at every size; "
                             "balanced: rare classes first; order-file: as --ranking says (default: %(default)s)")
    parser.add_argument("--ranking", metavar="FILE", help="images in order, a name or id a line or a JSON list")
    parser.add_argument("--draw", type=int, default=0, metavar="DRAW",
                        help="another draw is another order (default: 0)")


def read_annotations(args: argparse.Namespace) -> tuple[Annotations, ReadReport]:
    """Read the training annotations that the arguments name.

    Raises InputError for unusable ones, and first for other arguments that are: a large file takes seconds.
    """
    _check(args)
    return read(args.annotations, format=args.format, split=args.split, class_map=args.class_map,
                classes=split_names(args.classes), strict=args.strict)


def _check(args: argparse.Namespace) -> None:
    """Raise InputError for paths that are not there, an unknown class map, and an order that cannot be."""
    for name in ("validation", "images", "validation_images", "ranking"):
        path = getattr(args, name, None)
        if path and not Path(path).exists():
            raise InputError(f"--{name.replace('_', '-')} {path}: no such file or folder; check the path")
    if args.class_map:
        read_class_map(args.class_map)
    if hasattr(args, "strategy"):
        check_strategy(args.strategy, args.draw, args.ranking)


def read_validation(args: argparse.Namespace, train: Annotations) -> tuple[Annotations, ReadReport] | None:
    """Read the validation annotations, with the classes of `train`; None where the arguments name none.

    A class that they do not list has no boxes there. Raises InputError for unusable annotations.
    """
    if not args.validation and not args.validation_split:
        return None
    path = args.validation or args.annotations
    format = args.format if path == args.annotations else ""
    split = args.validation_split or ("val" if has_splits(path, format) else "")
    return read(path, format=format, split=split, class_map=args.class_map, classes=train.categories,
                strict=args.strict, lenient=True)


def image_folders(args: argparse.Namespace, train: Annotations, validation: Annotations) -> tuple[str, str]:
    """Return the folders of the training and of the validation images.

    Raises InputError where one is neither given nor known from the annotations.
    """
    folders = (args.images or train.images_root,
               args.validation_images or validation.images_root or args.images or "")
    for folder, flag in zip(folders, ("--images", "--validation-images")):
        if not folder:
            raise InputError(f"{flag}: say in which folder the images are that the annotations name")
    return folders


def as_answer(annotations: Annotations, report: ReadReport) -> dict[str, Any]:
    """Return what was read as plain values, for JSON."""
    return {"annotations": annotations.source, "format": report.format, "images": annotations.num_images,
            "boxes": annotations.num_boxes, "classes": list(annotations.categories), "left_out": report.dropped}


def split_names(names: Sequence[str]) -> list[str]:
    """Return the names of a list whose items may hold several, with commas between.

    Raises InputError for an empty name.
    """
    parts = [part.strip() for name in names for part in name.strip().removesuffix(",").split(",")]
    if "" in parts:
        raise InputError(f"--classes {' '.join(names)}: an empty name; put commas between names only")
    return parts
