"""What a pointer reads off a learning curve: measured values and the forecast, each at its place in the picture."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from predict.observations import Observations
from predict.text import points

EVERY = 3  # of the band's dense sizes
POINT = 72  # of an inch, the unit of a view box


@dataclass(frozen=True)
class Spot:
    """A text at a place in a chart's data."""

    x: float
    y: float
    text: str


def spots_of(observed: Observations, tested: pd.DataFrame, ahead: pd.DataFrame) -> list[Spot]:
    """Return the measured sizes of one curve and, densely, its forecasts; mAP in points.

    `tested` is the forecast from the small subsets, as `forecast_bands` returns it, and `ahead` that from all points.
    """
    stop = tested["images"].min() if len(tested) else math.inf
    measured = [Spot(size, 100 * value, f"{size:,.0f} images: measured {points(value)}{_bar(low, high)}"
                     + ("" if size <= stop else ", held out"))
                for size, value, (low, high) in zip(observed.images, observed.values, observed.interval_80)]
    return measured + [Spot(row["images"], 100 * row["median"],
                            f"{row['images']:,.0f} images: forecast{source} {points(row['median'])} "
                            f"(80 %: {points(row['lo-80'])}–{points(row['hi-80'])}, "
                            f"95 %: {points(row['lo-95'])}–{points(row['hi-95'])})")
                       for bands, source in ((tested, ""), (ahead, " from all points"))
                       for row in bands.iloc[::EVERY].to_dict("records")]


def place(figure: Figure, spots: Iterable[Spot]) -> list[tuple[float, float, str]]:
    """Return the places of spots in the view box of a figure of one panel, which has been drawn."""
    width, height = figure.get_size_inches() * POINT
    to_figure = figure.axes[0].transData + figure.transFigure.inverted()
    shares = [to_figure.transform((spot.x, spot.y)) for spot in spots]
    return [(round(x * width, 1), round((1 - y) * height, 1), spot.text) for (x, y), spot in zip(shares, spots)]


def _bar(low: float, high: float) -> str:
    return "" if low != low else f" (80 %: {points(low)}–{points(high)})"
