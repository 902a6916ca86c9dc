"""``python -m datasets COMMAND``: check annotations with their images, or make an embedded data set."""

from __future__ import annotations

import argparse
import time
from typing import Any

from datasets.annotations import Annotations
from datasets.checks import (
    check_boxes,
    check_files,
    check_leaks,
    check_subsets,
    check_validation,
)
from datasets.command import (
    add_annotation_arguments,
    add_image_arguments,
    add_validation_arguments,
    as_answer,
    image_folders,
    read_annotations,
    read_validation,
)
from datasets.embedded.make import MAKERS
from datasets.errors import command
from datasets.files import write_text
from datasets.findings import Finding, findings_csv, summarise
from datasets.leaks import find_pairs
from datasets.listing import printable
from datasets.parser import Parser, add_json, answering, count, percent
from datasets.read import has_splits

SMALL = (1, 2.5, 5, 10)  # per cent, the subsets in which classes go missing
CHECK = """examples:
  python -m datasets check --annotations train.json --images train --validation val.json --validation-images val
  python -m datasets check --annotations my_yolo_folder --validation-split val --csv findings.csv
"""
MAKE = """example:
  python -m datasets make digits data/digits
"""


@command
def main(argv: list[str] | None = None) -> int | None:
    """Run the command line."""
    args = make_parser().parse_args(argv)
    with answering(args) as answer:
        answer |= args.run(args)


def make_parser() -> Parser:
    parser = Parser(prog="python -m datasets", description=__doc__, epilog=f"{CHECK}{MAKE.partition(chr(10))[2]}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="say what is in a data set and what is wrong with it",
                                description="Say what is in a data set and what is wrong with it.", epilog=CHECK)
    add_annotation_arguments(check)
    add_validation_arguments(check)
    add_image_arguments(check)
    check.add_argument("--fractions", nargs="+", type=percent, metavar="PERCENT",
                       help="subsets in which to look for absent classes (default: 1 2.5 5 10)")
    check.add_argument("--csv", metavar="FILE", help="write every record concerned, one a line")
    add_json(check)
    check.set_defaults(run=_check)

    make = commands.add_parser("make", help="make an embedded data set", description="Make an embedded data set.",
                               epilog=MAKE)
    make.add_argument("kind", choices=MAKERS, help="digits: the study's data set; letters: the task before it")
    make.add_argument("folder", metavar="FOLDER", help="where it will lie; absent or empty")
    make.add_argument("--num-train", type=count, metavar="N",
                      help="training images (default: 2,500 digits, 3,000 letters)")
    make.add_argument("--num-validation", type=count, metavar="N",
                      help="validation images (default: 600 digits, 200 letters)")
    add_json(make)
    make.set_defaults(run=_make)
    return parser


def _check(args: argparse.Namespace) -> dict[str, Any]:
    """Print what was read and every finding; the CSV lists the records."""
    train, report = read_annotations(args)
    read = read_validation(args, train)
    print(f"train: {summarise(train, report)}")
    findings = [("train", finding) for finding in report.findings]
    if read:
        print(f"validation: {summarise(*read)}")
        findings += [("validation", finding) for finding in read[1].findings]
    elif has_splits(args.annotations, args.format):
        print("validation: not looked at; give its split, such as --validation-split val")
    fractions = args.fractions or [f for f in SMALL if f * train.num_images >= 100]
    further = [("train", f) for f in [*check_boxes(train), *check_subsets(train, fractions)]]
    if read:
        further += [("validation", f) for f in [*check_boxes(read[0]), *check_validation(train, read[0])]]
    further += _check_images(args, train, read[0] if read else None)
    for split, finding in further:
        print(f"{split}: {finding}{_examples(finding)}")
    if args.csv:
        write_text(args.csv, findings_csv([*findings, *further]))
        print(f"records: {args.csv}")
    return {"train": as_answer(train, report), "validation": as_answer(*read) if read else None,
            "findings": [{"split": split, "finding": finding.rule, "action": finding.action,
                          "records": len(finding.rows), "text": str(finding)}
                         for split, finding in [*findings, *further]]}


def _check_images(args: argparse.Namespace, train: Annotations,
                  validation: Annotations | None) -> list[tuple[str, Finding]]:
    """Return what is wrong with the image files, where their folder is known, and say what was compared."""
    folder = args.images or train.images_root
    if not folder:
        print("images: not looked at; give their folder with --images")
        return []
    findings, prints = check_files(train, folder)
    labelled = [("train", f) for f in findings]
    if validation is None:
        return labelled
    findings, others = check_files(validation, image_folders(args, train, validation)[1])
    labelled += [("validation", f) for f in findings]
    pairs = find_pairs(prints, others, args.max_distance)
    compared = [len(p.sha256) - len(p.unreadable) for p in (prints, others)]
    print(f"leaks: {compared[0]:,} training images compared with {compared[1]:,} validation images: "
          f"{len({pair.train for pair in pairs}):,} in both")
    return labelled + [("train", f) for f in check_leaks(train, validation, pairs)]


def _examples(finding: Finding, count: int = 3) -> str:
    """Return the first records of a finding."""
    names = [finding.name_of(row) for row in finding.rows[:count].tolist()]
    return f": {', '.join(printable(name) for name in names)}{', …' if len(finding.rows) > count else ''}"


def _make(args: argparse.Namespace) -> dict[str, Any]:
    sizes = {key: value for key in ("train", "validation") if (value := getattr(args, f"num_{key}")) is not None}
    start = time.perf_counter()
    made = MAKERS[args.kind](args.folder, **sizes)
    print(f"{args.folder}: made in {time.perf_counter() - start:.0f} s" if made else f"{args.folder}: there already")
    return {"folder": args.folder, "made": made}


if __name__ == "__main__":
    raise SystemExit(main())
