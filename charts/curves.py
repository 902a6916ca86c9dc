"""Learning curves: what was measured, what was forecast from the small subsets, and what came."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from charts.axes import Points, bars, handles_of, lay_out, quiet, size_axis
from charts.labels import short_names

COLUMNS = 2
PANEL = (5.4, 3.7)  # inches
OBSERVED, HELD_OUT, FORECAST, OUTLOOK = "#222222", "#ffffff", "#2b7bc0", "#c2571a"
BANDS = {95: 0.14, 80: 0.28}  # level in per cent -> opacity
MEASURED, TRUTH, MEDIAN = "measured, fitted", "measured, held out", "forecast, median"
AHEAD = "forecast from all points"
LEGEND = (MEASURED, TRUTH, MEDIAN, *(f"forecast, {level} % interval" for level in reversed(BANDS)), AHEAD)


class LearningCurve(Points, Protocol):
    """The values of one curve, in [0, 1]."""

    @property
    def name(self) -> str: ...

    @property
    def metric(self) -> str: ...

    @property
    def sizes(self) -> str: ...  # what the sizes count: images, or per cent of all


def learning_curves(curves: Sequence[LearningCurve], forecasts: pd.DataFrame, *, log_x: bool,
                    outlook: pd.DataFrame | None = None) -> Figure:
    """Draw a panel per curve; mAP in points over the number of images.

    `forecasts` has the columns curve, images, median, lo-80, hi-80, lo-95 and hi-95; its rows run from the size at
    which fitting stopped. Points up to there are filled, the truth beyond is hollow; bars are 80 % intervals. `outlook`
    has the same columns: what all points say of larger sizes.
    """
    figure, panels = lay_out(len(curves), COLUMNS, PANEL, 0.5)
    titles = short_names(curve.name for curve in curves)
    for axes, curve in zip(panels, curves):
        ahead = forecasts[:0] if outlook is None else outlook[outlook["curve"] == curve.name]
        _draw_panel(axes, curve, forecasts[forecasts["curve"] == curve.name], ahead, log_x)
        axes.set_title(titles[curve.name], loc="left", fontsize=11, fontweight="bold")
    found = handles_of(panels)
    labels = [label for label in LEGEND if label in found]
    figure.legend([found[label] for label in labels], labels, loc="outside lower center",
                  ncols=2 if len(panels) == 1 else 3, frameon=False)
    return figure


def _draw_panel(axes: Axes, curve: LearningCurve, forecast: pd.DataFrame, ahead: pd.DataFrame, log_x: bool) -> None:
    _draw_band(axes, forecast, FORECAST, MEDIAN, "forecast, {} % interval")
    _draw_band(axes, ahead, OUTLOOK, AHEAD)
    stop = forecast["images"].min() if len(forecast) else math.inf
    fitted = curve.images <= stop
    _draw_points(axes, curve, fitted, OBSERVED, MEASURED)
    _draw_points(axes, curve, ~fitted, HELD_OUT, TRUTH)
    largest = max([curve.images[-1], *forecast["images"], *ahead["images"]])
    size_axis(axes, curve.images[0] * 0.8, largest * 1.15, log_x=log_x)
    axes.set_ylim(0, None)
    axes.set_xlabel("training images" if curve.sizes == "images" else f"training images, {curve.sizes}")
    axes.set_ylabel(f"{curve.metric}, points")
    quiet(axes)


def _draw_band(axes: Axes, forecast: pd.DataFrame, colour: str, name: str, interval: str = "") -> None:
    """Draw the median and the intervals; these are named in the legend where `interval` has a name for them."""
    if forecast.empty:
        return
    for level, opacity in BANDS.items():
        axes.fill_between(forecast["images"], 100 * forecast[f"lo-{level}"], 100 * forecast[f"hi-{level}"],
                          color=colour, alpha=opacity, linewidth=0, label=interval.format(level) or None)
    axes.plot(forecast["images"], 100 * forecast["median"], color=colour, label=name)


def _draw_points(axes: Axes, curve: LearningCurve, rows: np.ndarray, face: str, label: str) -> None:
    if not rows.any():
        return
    values = 100 * curve.values[rows]
    axes.errorbar(curve.images[rows], values, yerr=bars(values, 100 * curve.interval_80[rows]), fmt="o", color=OBSERVED,
                  markerfacecolor=face, markersize=5.5, capsize=2.5, elinewidth=1, label=label)
