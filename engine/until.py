"""When a study may stop early: its forecast is sharp enough, or its time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from datasets.orders.order import subset_size
from engine.conclude import expect
from predict.backtest import Forecast
from study.config import Study, find_dataset
from study.data import read_train, read_validation
from study.layout import StudyFolder
from study.matrix import Cell
from study.rates import measured_rates, seconds_of
from study.results import collect

LEVEL = 80  # per cent of the interval that is to be narrow
HOUR = 3600.0
Curve = tuple[str, str, bool]  # data set, detector, searched


class Until:
    """The rule that says whether a cell is still to be run. `expected` is what is known so far, one per curve."""

    def __init__(self, width: float | None = None, hours: float | None = None,
                 seconds_of: Callable[[Cell], float] = lambda cell: 0.0):
        """Stop a curve whose interval is at most `width` points wide, and begin nothing that ends after `hours`."""
        self.width, self.hours, self.seconds_of = width, hours, seconds_of
        self.began = time.monotonic()
        self.sharp: set[Curve] = set()
        self.late: list[Cell] = []

    @property
    def rules(self) -> bool:
        """Whether there is anything that may stop a study early."""
        return self.width is not None or self.hours is not None

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
        why += [f"the budget of {self.hours:g} hours"] if self.late else []
        return f"{left} runs were not needed or not begun: {' and '.join(why) or 'stopped'}\n"


def until_of(study: Study, folder: StudyFolder, waiting: Sequence[Cell], width: float | None,
             hours: float | None) -> Until:
    """Return the rule for a study, which knows of what has finished before and of rates that were measured."""
    seconds = _seconds(study, folder, waiting) if hours is not None else {}
    until = Until(width, hours, lambda cell: seconds.get(cell, 0.0))
    if width is not None and collect(study, folder).size:
        until.learn(expect(study, folder))
    return until


def _seconds(study: Study, folder: StudyFolder, waiting: Sequence[Cell]) -> dict[Cell, float]:
    """Return what each cell is expected to take, as far as rates are known."""
    rates, found = measured_rates(study, folder), {}
    for cell in waiting:
        dataset = find_dataset(study, cell.dataset)
        images = subset_size(cell.fraction, read_train(dataset).num_images)
        if cell.detector in rates:
            found[cell] = seconds_of(study, cell, images, read_validation(dataset).num_images, rates[cell.detector])
    return found


def width_of(forecast: Forecast) -> float:
    """Return how wide the forecast's interval is, in points."""
    low, high = forecast.intervals[LEVEL]
    return 100 * (high - low)


def _curve_of(forecast: Forecast) -> Curve:
    return forecast.dataset, forecast.detector, forecast.recipe.endswith(" searched")

