"""When a study may stop early: its forecast is sharp enough, or its time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from engine.conclude import expect
from engine.rows import rows_of
from predict.backtest import Forecast
from study.config import Study
from study.layout import StudyFolder
from study.matrix import Cell
from study.rates import measured_rates
from study.results import collect
from study.state import finished_cells

LEVEL = 80  # per cent of the interval that is to be narrow
HOUR = 3600.0
Curve = tuple[str, str, bool]  # data set, detector, searched


class Until:
    """The rule that says whether a cell is still to be run when its turn comes."""

    def __init__(self, width: float | None = None, hours: float | None = None,
                 seconds_of: Callable[[Cell], float] = lambda cell: 0.0):
        """Stop a curve whose interval is at most `width` points wide, and begin nothing that ends after `hours`.

        A cell of unknown length, whose `seconds_of` are 0, is begun until the time is up.
        """
        self.width, self.hours, self.seconds_of = width, hours, seconds_of
        self.began = time.monotonic()
        self.sharp: set[Curve] = set()
        self.late: list[Cell] = []

    def learn(self, expected: Sequence[Forecast]) -> None:
        """Take note of the forecasts from all that has finished."""
        if self.width is not None:
            self.sharp = {_curve_of(forecast) for forecast in expected if width_of(forecast) <= self.width}

    def wants(self, cell: Cell) -> bool:
        """Tell whether `cell` is still to be run."""
        if (cell.dataset, cell.detector, cell.searched) in self.sharp:
            return False
        if self.hours is None:
            return True
        ends = time.monotonic() - self.began + self.seconds_of(cell)
        if ends > HOUR * self.hours:
            self.late.append(cell)
            return False
        return True

    def verdict(self, left: int) -> str:
        """Return what is to be said of `left` cells that were not run, as a line; empty where there are none."""
        if not left:
            return ""
        why = [f"{len(self.sharp)} forecast{'s' * (len(self.sharp) > 1)} of {self.width:g} points or less"
               ] if self.sharp else []
        why += [f"the limit of {self.hours:g} hours"] if self.late else []
        return f"{left} run{'s' * (left > 1)} not needed or not begun: {' and '.join(why) or 'stopped'}\n"


def until_of(study: Study, folder: StudyFolder, width: float | None, hours: float | None) -> Until:
    """Return the rule for a study, which knows of what has finished before and asks for the rates as they are then."""

    def seconds_of(cell: Cell) -> float:
        return rows_of(study, folder, [cell], measured_rates(study, folder))[0].left or 0.0

    until = Until(width, hours, seconds_of)
    if width is not None and not collect(study, folder, finished_cells(study, folder)).empty:
        until.learn(expect(study, folder))
    return until


def width_of(forecast: Forecast) -> float:
    """Return how wide the forecast's interval is, in points."""
    low, high = forecast.intervals[LEVEL]
    return 100 * (high - low)


def _curve_of(forecast: Forecast) -> Curve:
    return forecast.dataset, forecast.detector, forecast.recipe.endswith(" searched")

