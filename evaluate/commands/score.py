"""``python -m evaluate score``: COCO mAP with error bars for any truth and detections, without TensorFlow."""

from __future__ import annotations

import argparse
import json

from datasets.errors import InputError


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
    from evaluate.detections import read_detections
    from evaluate.result import metric_rows
    from evaluate.table import format_table
    from evaluate.truth import read_truth

    check_resamples(arguments)
    truth, others = read_truth(arguments.truth, arguments.classes)
    detections = read_detections(arguments.detections, truth, others)
    rows = metric_rows(score(truth, detections), arguments.resamples, arguments.seed)
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return 0
    answered = len(set(detections.images.tolist()))
    print(f"{len(detections):,} detections in {answered:,} of {truth.num_images:,} images\n")
    print(format_table(rows, truth))
    return 0
