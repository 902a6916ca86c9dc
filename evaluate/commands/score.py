"""``python -m evaluate score``: COCO mAP with error bars for any truth and detections, without TensorFlow."""

from __future__ import annotations

import argparse
from typing import Any

from datasets.errors import InputError
from datasets.parser import add_json

EXAMPLES = """examples:
  python -m evaluate score --truth instances_val.json --detections results.json
  python -m evaluate score --truth instances_val.json --detections results.json --classes person car --json

Tables are in points, 0 to 100; --json has values in [0, 1].
"""


def add(commands) -> None:
    """Add the parser of `score` to those of the commands."""
    parser = commands.add_parser("score", help="score a detections file against its ground truth",
                                 description=__doc__.partition(": ")[2], epilog=EXAMPLES)
    parser.add_argument("--truth", required=True, metavar="FILE", help="COCO annotations; every image counts")
    parser.add_argument("--detections", required=True, metavar="FILE", help="COCO results")
    parser.add_argument("--classes", nargs="+", default=(), metavar="NAME", help="score these classes (default: all)")
    add_resamples(parser)
    add_json(parser, "tables")
    parser.set_defaults(run=_score)


def add_resamples(parser: argparse.ArgumentParser, default: int = 200) -> None:
    """Add --resamples and --resample-seed."""
    parser.add_argument("--resamples", type=int, default=default, metavar="N",
                        help="bootstrap resamples (default: %(default)s)")
    parser.add_argument("--resample-seed", type=int, default=0, metavar="SEED", help="of the resamples (default: 0)")


def check_resamples(arguments: argparse.Namespace) -> None:
    """Raise InputError where --resamples or --resample-seed is negative."""
    if arguments.resamples < 0 or arguments.resample_seed < 0:
        raise InputError("--resamples and --resample-seed must not be negative")


def _score(arguments: argparse.Namespace) -> dict[str, Any]:
    from evaluate.detections import read_detections
    from evaluate.truth import read_truth

    check_resamples(arguments)
    truth, others = read_truth(arguments.truth, arguments.classes)
    detections = read_detections(arguments.detections, truth, others)
    from evaluate.coco import score  # numba takes longer to load than a mistake to be found
    from evaluate.result import metric_rows
    from evaluate.table import format_table

    rows = metric_rows(score(truth, detections), arguments.resamples, arguments.resample_seed)
    answered = len(set(detections.images.tolist()))
    if not arguments.json:
        print(f"{len(detections):,} detections in {answered:,} of {truth.num_images:,} images\n")
        print(format_table(rows, truth))
    return {"images": truth.num_images, "images_answered": answered, "detections": len(detections), "metrics": rows}
