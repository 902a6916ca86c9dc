"""``python -m evaluate run CONFIG DATASET DETECTOR FRACTION [DRAW [SEED]]``: score what a trained cell detects."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from datasets.errors import InputError
from datasets.parser import add_json
from study.command import add_cell_arguments, add_study_arguments, find_cell, open_study
from study.config import find_dataset
from study.data import read_validation, require_data
from study.lock import hold

EXAMPLES = """example:
  python -m evaluate run configs/studies/embedded.yaml digits ssd_mobilenet_v2_small 10
"""


def add(commands) -> None:
    """Add the parser of `run` to those of the commands."""
    parser = commands.add_parser("run", help="detect with a trained cell of a study and score it",
                                 description="Detect with a trained cell of a study and score it.", epilog=EXAMPLES)
    add_study_arguments(parser)
    add_cell_arguments(parser)
    add_json(parser, "a table")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> dict[str, Any]:
    study, folder = open_study(arguments)
    cell = find_cell(study, arguments)
    if not folder.run(cell).training.exists():
        raise InputError(f"{cell}: not trained yet; run train/train_subset.sh with the same arguments first")
    dataset = find_dataset(study, cell.dataset)
    require_data(study, folder, dataset)
    from detectors.runtime import start

    print(start("detecting"), flush=True)
    from evaluate.run import evaluate_cell
    from evaluate.table import format_table
    from records.prepare import prepare

    prepare(study, folder, dataset)
    with hold(folder.run(cell).lock, f"evaluate run {cell}"):
        result = evaluate_cell(study, folder, cell)
    if not arguments.json:
        print(format_table(result["metrics"], read_validation(dataset)))
    return {"run": msgspec.to_builtins(cell), "metrics": result["metrics"]}
