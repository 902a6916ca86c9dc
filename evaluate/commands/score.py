"""``python -m evaluate score``: COCO mAP with error bars for any truth and detections, without TensorFlow."""

from __future__ import annotations

import argparse
import json

from datasets.errors import InputError
from datasets.formats.coco import read_coco


def add(commands) -> None:
    """Add the parser of `score` to those of the commands."""
    parser = commands.add_parser("score", help="score a detections file against its ground truth")
    parser.add_argument("--truth", required=True, metavar="T.json", help="COCO annotations; every image counts")
    parser.add_argument("--detections", required=True, metavar="D.json", help="COCO results")
    parser.add_argument("--classes", nargs="+", default=(), metavar="NAME", help="score these classes (default: all)")
    add_resamples(parser)
    parser.add_argument("--json", action="store_true", help="print the metric rows as JSON, values in [0, 1]")
    parser.set_defaults(run=_score)


def add_resamples(parser: argparse.ArgumentParser, default: int = 200) -> None:
    """Add --resamples and --seed."""
    parser.add_argument("--resamples", type=int, default=default, metavar="N",
                        help="bootstrap resamples (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the resamples (default: 0)")


def check_resamples(arguments: argparse.Namespace) -> None:
    """Raise InputError where --resamples or --seed is negative."""
    if arguments.resamples < 0 or arguments.seed < 0:
        raise InputError("--resamples and --seed must not be negative")


def _score(arguments: argparse.Namespace) -> int:
    from evaluate.coco import score
    from evaluate.result import metric_rows
    from evaluate.table import format_table

    check_resamples(arguments)
    truth = read_coco(arguments.truth, arguments.classes)
    rows = metric_rows(score(truth, arguments.detections), arguments.resamples, arguments.seed)
    print(json.dumps(rows, indent=1) if arguments.json else format_table(rows, truth))
    return 0
