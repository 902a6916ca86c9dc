"""What more images bring beyond those at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from charts.axes import LEAST, bars, handles_of, lay_out, quiet, size_axis
from charts.curves import BANDS, FORECAST
from charts.labels import short_names

PANEL = (5.4, 3.4)  # inches
COLUMNS = 2
ASKED = "#222222"
ROOM = 1.12  # times the largest value shown, as high as a panel reaches


@dataclass(frozen=True, eq=False)
class GainBand:
    """The gain of one curve over the images added, in [-1, 1]."""

    name: str
    start: float  # images
    more: np.ndarray  # float64 [n], rising
    median: np.ndarray  # float64 [n]
    bands: Mapping[int, np.ndarray]  # level in per cent -> float64 [n, 2]
    asked: np.ndarray  # bool [n]: marked with their 80 % interval


def gain_chart(bands: Sequence[GainBand]) -> Figure:
    """Draw a panel per curve, all with the same axes: the median gain in points with its intervals."""
    figure, panels = lay_out(len(bands), COLUMNS, PANEL, 0.5, LEAST, sharey=True)
    titles = short_names(band.name for band in bands)
    for axes, band in zip(panels, bands):
        _draw_panel(axes, band, titles[band.name])
    top = 100 * max(float(band.bands[95].max()) for band in bands)
    low = 100 * min(float(band.bands[95].min()) for band in bands)
    panels[0].set_ylim(min(0, 1.05 * low), ROOM * top if top > 0 else 1)
    found = handles_of(panels)
    figure.legend(found.values(), found, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def _draw_panel(axes: Axes, band: GainBand, title: str) -> None:
    for level, opacity in BANDS.items():
        axes.fill_between(band.more, *(100 * band.bands[level].T), color=FORECAST, alpha=opacity, linewidth=0,
                          label=f"{level} % interval")
    axes.plot(band.more, 100 * band.median, color=FORECAST, label="gain, median")
    values, limits = 100 * band.median[band.asked], 100 * band.bands[80][band.asked]
    axes.errorbar(band.more[band.asked], values, yerr=bars(values, limits), fmt="o", color=ASKED, markersize=5,
                  capsize=2.5, elinewidth=1, label="asked for, 80 % interval")
    for images, value in zip(band.more[band.asked], values):
        axes.annotate(f"{round(value, 2) + 0:+.2f}", (images, value), (-6, 5), textcoords="offset points", ha="right",
                      fontsize=9, color=ASKED)
    size_axis(axes, 0, band.more[-1], log_x=False)
    axes.set_xlim(0, 1.04 * band.more[-1])
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.set_xlabel(f"images beyond {band.start:,.0f}")
    axes.set_ylabel("gain, points")
    axes.tick_params(labelleft=True)
    quiet(axes)
