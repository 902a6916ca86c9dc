"""``python -m evaluate run CONFIG DATASET DETECTOR FRACTION [DRAW [SEED]]``: score what a trained cell detects."""

from __future__ import annotations

import argparse

from datasets.errors import InputError
from study.command import add_cell_arguments, add_study_arguments, find_cell, open_study
from study.lock import hold


def add(commands) -> None:
    """Add the parser of `run` to those of the commands."""
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
    with hold(folder.run(cell).lock, f"evaluate run {cell}"):
        result = evaluate_cell(study, folder, cell)
    print(format_table(result["metrics"], read_validation(dataset)))
    return 0
