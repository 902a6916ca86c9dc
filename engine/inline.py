"""Cells one after another in this process, so that TensorFlow loads once."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from datasets.errors import InputError, is_disk_error
from engine.jobs import Job, OnEnd, Outcome, Wanted
from study.config import Study, find_dataset, find_detector, find_recipe
from study.data import read_train
from study.failure import noted
from study.layout import StudyFolder
from study.lock import hold
from study.matrix import Cell


def run_cells(study: Study, folder: StudyFolder, waiting: Sequence[Cell], on_end: OnEnd, wanted: Wanted,
              expect_gpu: bool = False) -> bool:
    """Train and evaluate the cells that are still `wanted` when their turn comes; `on_end` hears of each.

    Where a cell fails, the others go on. Return whether this process is the one to conclude: of several
    workers, the chief. Raises InputError for what would stop every cell, and can be told before the first.
    """
    from detectors.runtime import start

    device = start(expect_gpu=expect_gpu)
    print(device, flush=True)
    from records.prepare import prepare
    from train import strategy

    chief = strategy.is_chief(strategy.prepare(study.runtime))
    check(study, folder, waiting)
    for dataset in study.datasets:
        prepare(study, folder, dataset)
    for cell in waiting:
        if not wanted(cell):
            continue
        began, error = time.monotonic(), ""
        try:
            _run(study, folder, cell, device, chief)
        except InputError as mistake:
            if not chief:
                raise
            error = str(mistake)
        except Exception as failure:
            if not chief or is_disk_error(failure):
                raise
            error = _explain(folder.run(cell).log, failure)
        if chief:
            job = Job(str(cell), (), folder.run(cell).log, cell=cell, finishes=True)
            on_end([Outcome(job, 2 if error else 0, time.monotonic() - began, error)])
    return chief


def check(study: Study, folder: StudyFolder, waiting: Sequence[Cell]) -> None:
    """Raise InputError for a cell that cannot be trained: its subset, its batch or its checkpoint."""
    from train.run import check_cell, check_checkpoint

    for cell in waiting:
        check_cell(study, folder, cell)
    for dataset, name in dict.fromkeys((cell.dataset, cell.detector) for cell in waiting):
        detector, train = find_detector(study, name), read_train(find_dataset(study, dataset))
        check_checkpoint(detector, find_recipe(study, detector), train.categories)


def _run(study: Study, folder: StudyFolder, cell: Cell, device: str, chief: bool) -> None:
    """Train a cell and, as the chief, evaluate it."""
    from evaluate.run import evaluate_cell
    from train.run import train_cell

    if not chief:
        train_cell(study, folder, cell, device)
        return
    with hold(folder.run(cell).lock, str(cell), wait=True), noted(folder.run(cell)):
        if cell.searched:
            from train.search import search_cell

            search_cell(study, folder, cell)
        train_cell(study, folder, cell, device)
        evaluate_cell(study, folder, cell)


def _explain(log: Path, failure: Exception) -> str:
    """Add the traceback of a failure that nobody foresaw to the run's log, and return its first line."""
    with open(log, "a", encoding="utf-8") as stream:
        traceback.print_exception(failure, file=stream)
    return f"{type(failure).__name__}: {(str(failure).strip().splitlines() or [''])[0]}"
