"""Forecasts as tables for people: mAP in points (0 to 100), sizes with separators."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from predict.backtest import BASELINES, DEFAULT, Forecast
from predict.tables import IMAGES

Cells = list[list[str]]  # rows of equal length, the header first


def points(value: float) -> str:
    """Return an mAP in points, a dash where it is not known."""
    return "-" if math.isnan(value) else f"{100 * value:.1f}"


def signed(value: float) -> str:
    """Return a difference of mAP in points with its sign, a dash where it is not known."""
    return "-" if math.isnan(value) else f"{round(100 * value, 1) + 0:+.1f}"  # + 0 makes 0 of -0


def backtest_table(forecasts: Sequence[Forecast], sizes: str = IMAGES) -> Cells:
    """Return a row per curve for its largest size: forecast and truth, then the baselines with their errors.

    `sizes` is what the sizes count, images or per cent.
    """
    table = [["curve", "sizes", sizes, "forecast", "80 % interval", "truth", "error", *BASELINES]]
    largest = [_largest_size(forecasts, curve) for curve in dict.fromkeys(f.curve for f in forecasts)]
    for by_model in largest:
        ours = by_model[DEFAULT]
        table.append([ours.curve, str(ours.fitted_sizes), size(ours.images, sizes), *_forecast_cells(ours),
                      points(ours.truth), signed(ours.error), *(_baseline_cell(by_model[name]) for name in BASELINES)])
    known = [each for each in largest if math.isfinite(each[DEFAULT].truth)]
    if len(known) > 1:
        means = [sum(abs(each[name].error) for each in known) / len(known) for name in (DEFAULT, *BASELINES)]
        table.append(["mean |error|", *[""] * 5, *map(points, means)])
    return table


def outlook_table(forecasts: Sequence[Forecast], sizes: str = IMAGES) -> Cells:
    """Return a row per curve and size: the forecast, then the baselines."""
    by_model = {(f.curve, f.images, f.model): f for f in forecasts}
    return [["curve", sizes, "forecast", "80 % interval", *BASELINES]] + [
        [f.curve, size(f.images, sizes), *_forecast_cells(f),
         *(points(by_model[f.curve, f.images, name].median) for name in BASELINES)]
        for f in forecasts if f.model == DEFAULT]


def size(images: float, sizes: str = IMAGES) -> str:
    """Return a size with separators, or three digits of per cent."""
    return f"{images:,.0f}" if sizes == IMAGES else f"{images:,.3g}" if images < 1000 else f"{images:,.0f}"


def label_lines(labels: Iterable[tuple[str, str]]) -> list[str]:
    """Return a line for each label of (whose, label), with all whose it is; empty labels are left out."""
    whose: dict[str, dict[str, None]] = {}
    for name, label in labels:
        whose.setdefault(label, {})[name] = None
    return [f"{label} ({', '.join(names)})" for label, names in whose.items() if label]


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a number of things, as 1 size and 2 sizes."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def format_table(table: Cells) -> str:
    """Return cells in columns, the first to the left, the others to the right; those without a single value go."""
    columns = [column for at, column in enumerate(zip(*table)) if at == 0 or set(column[1:]) - {"", "-"}]
    widths = [max(map(len, column)) for column in columns]
    lines = ([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in zip(*columns))
    return "\n".join("  ".join(line).rstrip() for line in lines)


def _largest_size(forecasts: Sequence[Forecast], curve: str) -> dict[str, Forecast]:
    mine = [f for f in forecasts if f.curve == curve]
    largest = max(f.images for f in mine)
    return {f.model: f for f in mine if f.images == largest}


def _forecast_cells(forecast: Forecast) -> list[str]:
    low, high = forecast.intervals[80]
    return [points(forecast.median), f"{points(low)} - {points(high)}"]


def _baseline_cell(forecast: Forecast) -> str:
    return points(forecast.median) + ("" if math.isnan(forecast.error) else f" ({signed(forecast.error)})")
