"""Commands: `check` an annotation file with its images, `make` an embedded data set."""

from __future__ import annotations

import argparse
import time

from datasets.checks import check_images, summarise
from datasets.coco import read_coco_reported
from datasets.embedded import MAKERS
from datasets.errors import InputError, command


@command
def main(argv: list[str] | None = None) -> int | None:
    """Run the command line."""
    args = _parse(argv)
    args.run(args)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m datasets", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="read an annotation file and say what is in it, and what is wrong")
    check.add_argument("annotations", help="COCO annotation file")
    check.add_argument("--images", metavar="FOLDER", help="also check that every image is there")
    check.add_argument("--classes", nargs="+", default=(), metavar="NAME", help="keep only these classes")
    check.set_defaults(run=_check)

    make = commands.add_parser("make", help="make an embedded data set")
    make.add_argument("kind", choices=MAKERS, help="digits: the study's data set; letters: the task before it")
    make.add_argument("folder", help="where it will lie; absent or empty")
    make.add_argument("--train", type=int, metavar="N", help="training images")
    make.add_argument("--validation", type=int, metavar="N", help="validation images")
    make.set_defaults(run=_make)
    return parser.parse_args(argv)


def _check(args: argparse.Namespace) -> None:
    annotations, report = read_coco_reported(args.annotations, args.classes)
    print(summarise(annotations, report))
    if args.images:
        check_images(annotations, args.images)
        print("every image is there")


def _make(args: argparse.Namespace) -> None:
    sizes = {key: value for key in ("train", "validation") if (value := getattr(args, key)) is not None}
    for key, value in sizes.items():
        if value < 1:
            raise InputError(f"--{key} {value}: make at least one image")
    start = time.perf_counter()
    made = MAKERS[args.kind](args.folder, **sizes)
    print(f"{args.folder}: made in {time.perf_counter() - start:.0f} s" if made else f"{args.folder}: there already")


if __name__ == "__main__":
    raise SystemExit(main())
