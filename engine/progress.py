"""What is said, noted and renewed as the cells of a study end."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from datasets.files import read_json_if_whole
from engine.conclude import renew
from engine.jobs import Outcome
from engine.until import LEVEL, Until
from evaluate.table import summary_line
from predict.backtest import Forecast
from predict.text import points
from study.config import Study
from study.failure import note
from study.layout import StudyFolder


class Progress:
    """Hears of every job's end: `failed` counts the cells that failed, `ended` all that came to an end."""

    def __init__(self, study: Study, folder: StudyFolder, cells: int, until: Until):
        self.study, self.folder, self.cells, self.until = study, folder, cells, until
        self.ended = self.failed = 0

    def __call__(self, outcomes: Sequence[Outcome]) -> None:
        """Say what became of jobs, note why cells failed, and renew the forecast once for all of them."""
        for outcome in outcomes:
            if outcome.job.finishes:
                self._tell(outcome)
            elif not outcome.well:
                self._complain(f"{outcome.job.name}: {outcome.error}", outcome)
        if any(outcome.well and outcome.job.finishes for outcome in outcomes):
            expected = renew(self.study, self.folder)
            self.until.learn(expected)
            for forecast in expected:
                print(f"  {describe(forecast)}", flush=True)

    def _tell(self, outcome: Outcome) -> None:
        """Say what a cell reached, or why it failed."""
        self.ended += 1
        run, where = self.folder.run(outcome.job.cell), f"[{self.ended}/{self.cells}] {outcome.job.cell}"
        if outcome.well:
            result = read_json_if_whole(run.result)  # a network's file system may show it a while later
            reached = summary_line(result["metrics"]) if result else "done"
            print(f"{where}: {reached}, {outcome.seconds:.0f} s", flush=True)
            return
        self.failed += 1
        note(run, outcome.error, outcome.tries)
        self._complain(f"{where} failed: {outcome.error}", outcome)

    def _complain(self, what: str, outcome: Outcome) -> None:
        log = f"; {outcome.job.log} has more" if outcome.job.command else ""
        print(f"{what}{log}", file=sys.stderr, flush=True)


def describe(forecast: Forecast) -> str:
    """Return a forecast as a line: what all images are expected to bring."""
    low, high = forecast.intervals[LEVEL]
    return (f"{forecast.curve}: {points(forecast.median)} points of {forecast.metric} expected at "
            f"{forecast.images:,.0f} images ({LEVEL} %: {points(low)} - {points(high)})")
