"""``python -m evaluate score``: COCO mAP with error bars for any truth and detections, without TensorFlow.

``python -m evaluate run CONFIG DATASET DETECTOR FRACTION [DRAW [SEED]]``: the same for a trained cell of a study.
"""

from __future__ import annotations

import argparse
import json
import sys

from datasets.errors import InputError, command
from datasets.formats.coco import read_coco
from study.command import add_cell_arguments, add_study_arguments, find_cell, open_study


@command
def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    return arguments.run(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluate", description="How good are these detections?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_score(commands)
    _add_run(commands)
    return parser


def _add_score(commands) -> None:
    parser = commands.add_parser("score", help="score a detections file against its ground truth")
    parser.add_argument("--truth", required=True, metavar="T.json", help="COCO annotations; every image counts")
    parser.add_argument("--detections", required=True, metavar="D.json", help="COCO results")
    parser.add_argument("--classes", nargs="+", default=(), metavar="NAME", help="score these classes (default: all)")
    parser.add_argument("--resamples", type=int, default=200, metavar="N", help="bootstrap resamples (default: 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the resamples (default: 0)")
    parser.add_argument("--json", action="store_true", help="print the metric rows as JSON, values in [0, 1]")
    parser.set_defaults(run=_score)


def _score(arguments: argparse.Namespace) -> int:
    from evaluate.coco import score
    from evaluate.result import metric_rows
    from evaluate.table import format_table

    if arguments.resamples < 0 or arguments.seed < 0:
        raise InputError("--resamples and --seed must not be negative")
    truth = read_coco(arguments.truth, arguments.classes)
    rows = metric_rows(score(truth, arguments.detections), arguments.resamples, arguments.seed)
    print(json.dumps(rows, indent=1) if arguments.json else format_table(rows, truth))
    return 0


def _add_run(commands) -> None:
    parser = commands.add_parser("run", help="detect with a trained cell of a study and score it")
    add_study_arguments(parser)
    add_cell_arguments(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    study, folder = open_study(arguments)
    cell = find_cell(study, arguments)
    if not folder.run(cell).training.exists():
        raise InputError(f"{cell}: not trained yet; run train/train_subset.sh with the same arguments first")
    from detectors.runtime import start

    print(start("detecting"), flush=True)
    from evaluate.run import evaluate_cell
    from evaluate.table import format_table
    from records.prepare import prepare
    from study.config import find_dataset
    from study.data import read_validation

    dataset = find_dataset(study, cell.dataset)
    prepare(study, folder, dataset)
    print(format_table(evaluate_cell(study, folder, cell)["metrics"], read_validation(dataset)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
