"""Which class gains the most: each class's AP now and with more images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from charts.axes import write_caption
from charts.curves import FORECAST, OBSERVED
from charts.labels import class_axes, plain

TITLE = 80  # characters


@dataclass(frozen=True)
class ClassRow:
    """One class, in [0, 1]."""

    name: str
    measured: float
    now: float  # on the fitted curve
    forecast: float
    low: float  # of the forecast's 80 % interval
    high: float
    gain: float


def class_gain_chart(rows: Sequence[ClassRow], title: str, metric: str, caption: str) -> Figure:
    """Draw a row per class in the order given: AP now, forecast with its 80 % interval, and the gain in points."""
    figure, axes = class_axes([row.name for row in rows], plain(title, TITLE))
    for position, row in enumerate(rows):
        _draw_row(axes, position, row)
    low = 100 * min(min(row.measured, row.now, row.low) for row in rows)
    high = 100 * max(max(row.measured, row.now, row.high) for row in rows)
    room = max(high - low, 1)
    axes.set_xlim(max(0, low - 0.05 * room), high + 0.12 * room)
    axes.set_xlabel(f"{metric}, points")
    figure.legend(handles=_handles(), loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    write_caption(figure, caption)
    return figure


def _draw_row(axes: Axes, position: int, row: ClassRow) -> None:
    axes.plot([100 * row.low, 100 * row.high], [position] * 2, color=FORECAST, alpha=0.35, linewidth=6,
              solid_capstyle="butt")
    axes.plot([100 * row.now, 100 * row.forecast], [position] * 2, color=OBSERVED, linewidth=1)
    axes.plot([100 * row.measured], [position], "|", color=OBSERVED, markersize=13, zorder=3)
    axes.plot([100 * row.now], [position], "o", color=OBSERVED, markerfacecolor="white", markersize=6, zorder=3)
    axes.plot([100 * row.forecast], [position], "o", color=FORECAST, markersize=6, zorder=3)
    end = 100 * max(row.high, row.measured, row.now)
    axes.annotate(f"{round(100 * row.gain, 1) + 0:+.1f}", (end, position), (6, 0), textcoords="offset points",
                  va="center", fontsize=8, color="0.3")


def _handles() -> list[Line2D]:
    return [Line2D([], [], marker="o", linestyle="", color=OBSERVED, markerfacecolor="white",
                   label="now, on the fitted curve"),
            Line2D([], [], marker="|", linestyle="", color=OBSERVED, markersize=13, label="measured"),
            Line2D([], [], marker="o", linestyle="", color=FORECAST, label="forecast, with the gain"),
            Line2D([], [], color=FORECAST, alpha=0.35, linewidth=6, label="80 % interval")]
