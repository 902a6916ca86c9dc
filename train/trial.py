"""One trial of a search, in a worker of Ray Tune's: it trains, and reports every look at the tuning split."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Iterator
from typing import TextIO

from datasets.errors import InputError, is_disk_error
from study.cluster import THREADS
from study.config import Study
from study.layout import RunFolder, StudyFolder
from study.lock import hold
from study.matrix import Cell
from study.search import Settings
from train.looks import read_looks

STEP, AP, FAILURE = "step", "ap", "failure"  # what is reported: the best AP so far, after so many steps


def run_trial(study: Study, folder: StudyFolder, cell: Cell, number: int, settings: Settings, cpus: int) -> None:
    """Train trial `number` of the cell's search, from its start or from where it was killed.

    Looks that an earlier process has noted are reported first, so that the scheduler decides as if it had seen them
    happen. A trial that cannot be trained reports why; a full disk says nothing of it, and ends it as a crash does. The
    scheduler stops a trial by SystemExit in a report.
    """
    run = folder.run(cell).trial(number)
    os.environ.update(dict.fromkeys(THREADS, str(cpus)))  # TensorFlow reads them once
    with hold(run.lock, f"trial {number} of {cell}", wait=True), _log(run):
        reporter = _Reporter()
        try:
            for look in read_looks(run.tuning).looks:
                reporter.report(look.step, look.ap)
            if not run.ended.exists():
                _train(study, folder, cell, number, settings, reporter)
        except InputError as error:
            if is_disk_error(error):
                raise
            reporter.fail(str(error))


class _Reporter:
    """Tells Ray Tune of looks."""

    def __init__(self):
        self.step, self.best = 0, 0.0

    def report(self, step: int, ap: float) -> None:
        """Report a look, unless it is one that was made again after a crash."""
        from ray import tune

        self.best = max(self.best, ap)
        if step > self.step:
            self.step = step
            tune.report({STEP: step, AP: self.best})

    def fail(self, reason: str) -> None:
        """Report why there will be no more looks."""
        from ray import tune

        tune.report({STEP: self.step, AP: self.best, FAILURE: reason})


def _train(study: Study, folder: StudyFolder, cell: Cell, number: int, settings: Settings,
           reporter: _Reporter) -> None:
    from detectors.runtime import start

    device = start()
    print(device, flush=True)
    from train.run import train_trial

    train_trial(study, folder, cell, number, settings, device, lambda look: reporter.report(look.step, look.ap))


@contextlib.contextmanager
def _log(run: RunFolder) -> Iterator[TextIO]:
    """Write what the block prints, and any error that ends it, to the run's log."""
    with open(run.log, "a", encoding="utf-8") as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        try:
            yield log
        except Exception:
            traceback.print_exc()
            raise
