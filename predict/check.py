"""A forecast made earlier beside the mAP that came: did it hold?"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.errors import InputError
from predict.backtest import LEVELS
from predict.observations import Observations, average_repeats
from predict.tables import IMAGES, Curve, read_curves

LABELS = ("curve", "dataset", "detector", "recipe", "category", "metric", "model")
NUMBERS = ("fit_up_to", "images", "median", *(f"{side}-{level}" for level in LEVELS for side in ("lo", "hi")))
COLUMNS = (*LABELS, *NUMBERS)  # of forecast.csv, those that are needed here
WRITER = "`python -m predict forecast --out`"
SAME_SIZE = 1.0  # images by which two sizes may differ and be one: shares of a data set are rounded


@dataclass(frozen=True)
class Earlier:
    """One row of forecast.csv: what a model expected of a curve at one size."""

    curve: str
    dataset: str
    detector: str
    recipe: str
    category: str
    metric: str
    model: str
    fit_up_to: float
    images: float
    median: float
    intervals: dict[int, tuple[float, float]]  # level in per cent -> (low, high), nan where the model has none

    def is_of(self, curve: Curve) -> bool:
        """Return whether `curve` is the one that was forecast: by its name, or by all that makes it up."""
        key = [(each.dataset, each.detector, each.recipe, each.category) for each in (self, curve)]
        return self.curve == curve.name or (key[0] == key[1] and any(key[0]))


@dataclass(frozen=True)
class Check:
    """A forecast and what came."""

    forecast: Earlier
    truth: float
    truth_stderr: float  # nan where the table does not know
    notes: tuple[str, ...] = ()  # what was done to the table on reading it

    @property
    def error(self) -> float:
        return self.forecast.median - self.truth

    @property
    def has_intervals(self) -> bool:
        return all(math.isfinite(edge) for interval in self.forecast.intervals.values() for edge in interval)

    def holds(self, level: int) -> bool:
        """Return whether the interval of `level` per cent holds the truth."""
        low, high = self.forecast.intervals[level]
        return low <= self.truth <= high

    @property
    def verdict(self) -> str:
        """Say in words whether the forecast held."""
        intervals = self.forecast.intervals
        if not self.has_intervals:
            return "no interval to judge by"
        inside = next((level for level in LEVELS if self.holds(level)), None)
        if inside is not None and inside <= 80:
            return f"held: the truth lies in the {inside} % interval"
        level = 80 if inside else max(LEVELS)
        low, high = intervals[level]
        off = f"{100 * max(low - self.truth, self.truth - high):.1f} points {'below' if self.truth < low else 'above'}"
        if inside:
            return f"held barely: the truth lies in the {inside} % interval, {off} the {level} % one"
        return f"did not hold: the truth lies {off} the {level} % interval"

    def row(self) -> dict[str, Any]:
        """Return this check as a row of check.csv."""
        told = {name: getattr(self.forecast, name) for name in (*LABELS, "fit_up_to", "images", "median")}
        sides = {f"{side}-{level}": value for level, interval in self.forecast.intervals.items()
                 for side, value in zip(("lo", "hi"), interval)}
        return told | sides | {"truth": self.truth, "truth_stderr": self.truth_stderr, "error": self.error,
                               "verdict": self.verdict}


def read_forecasts(path: str | Path) -> list[Earlier]:
    """Read a forecast.csv. Raises InputError naming file and line for anything that is none."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; check the path") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; give the forecast.csv that {WRITER} writes") from None
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(f"{path}: no column {', '.join(map(repr, missing[:3]))}; give the forecast.csv that {WRITER} "
                         "writes")
    rows = [_earlier(row, path, reader.line_num) for row in reader if not _knew(row)]
    if not rows:
        raise InputError(f"{path}: no forecasts; make them anew with {WRITER}")
    return rows


def check(forecasts: Sequence[Earlier], table: str | Path, metric: str | None = None,
          unit: str | None = None, whole: float | None = None) -> list[Check]:
    """Return every forecast whose curve and size has a value in `table` by now, with that value.

    The metric is the forecasts' own unless `metric` is given; `unit` and `whole` are those of read_curves. Raises
    InputError where nothing can be compared.
    """
    checks = []
    for wanted, mine in _by_metric(forecasts).items():
        curves = read_curves(table, metric or wanted, per_class=any(f.category for f in mine), unit=unit,
                             whole=whole)
        measured = [(curve, average_repeats(curve)) for curve in curves]
        for forecast in mine:
            checks += next((_compare(forecast, *each) for each in measured if forecast.is_of(each[0])), [])
        _require(checks, mine, [curve for curve, _ in measured], table)
    return checks


def largest(checks: Iterable[Check]) -> list[Check]:
    """Return the checks at the largest size of each curve and model."""
    last: dict[tuple[str, str, str], Check] = {}
    for each in checks:
        key = each.forecast.curve, each.forecast.metric, each.forecast.model
        if key not in last or each.forecast.images >= last[key].forecast.images:
            last[key] = each
    return list(last.values())


def _by_metric(forecasts: Sequence[Earlier]) -> dict[str, list[Earlier]]:
    return {metric: [f for f in forecasts if f.metric == metric]
            for metric in dict.fromkeys(f.metric for f in forecasts)}


def _compare(forecast: Earlier, curve: Curve, observed: Observations) -> list[Check]:
    """Return the check of a forecast of a curve, none where it has no value at that size."""
    apart = np.abs(observed.images - forecast.images)
    at = int(apart.argmin())
    rounding = SAME_SIZE if observed.sizes == IMAGES else SAME_SIZE / 1000  # else the sizes are per cent
    if apart[at] > rounding:
        return []
    return [Check(forecast, float(observed.values[at]), float(observed.stderr[at]), curve.notes)]


def _require(checks: Sequence[Check], forecasts: Sequence[Earlier], curves: Sequence[Curve], table: str | Path) -> None:
    """Raise InputError unless something was compared, saying what the two files lack in common."""
    if checks:
        return
    known = [curve for curve in curves if any(f.is_of(curve) for f in forecasts)]
    if not known:
        raise InputError(f"{table}: no curve that was forecast ({_some(f.curve for f in forecasts)}); it has "
                         f"{_some(curve.name for curve in curves)}, so give the table of the same study")
    sizes = sorted({size for curve in known for size in curve.images})
    raise InputError(f"{table}: no value at a size that was forecast ({_some(f'{f.images:,.0f}' for f in forecasts)} "
                     f"images); its largest is {sizes[-1]:,.0f}, so add the results of a larger subset")


def _some(names: Iterable[str]) -> str:
    found = list(dict.fromkeys(names))
    return ", ".join(found[:4]) + (f" and {len(found) - 4} more" if len(found) > 4 else "")


def _knew(row: dict[str, str]) -> bool:
    """Tell whether a forecast was fitted on every point, among them what it speaks of: it foretells nothing."""
    return bool(row.get("truth")) and row["fit_up_to"] in ("100", "100.0")


def _earlier(row: dict[str, str], path: str | Path, line: int) -> Earlier:
    number = {name: _number(row[name], path, line, name) for name in NUMBERS}
    for name in ("fit_up_to", "images", "median"):
        if math.isnan(number[name]):
            raise InputError(f"{path}:{line}: column '{name}' is empty; make the forecast anew")
    intervals = {level: (number[f"lo-{level}"], number[f"hi-{level}"]) for level in LEVELS}
    labels = {name: row[name] or "" for name in LABELS}
    return Earlier(**labels, fit_up_to=number["fit_up_to"], images=number["images"], median=number["median"],
                   intervals=intervals)


def _number(text: str | None, path: str | Path, line: int, column: str) -> float:
    """Return the number in a cell, nan where it is blank."""
    try:
        value = float(text) if text else math.nan
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise InputError(f"{path}:{line}: column '{column}': '{text}' is not a number; make the forecast anew")
    return value
