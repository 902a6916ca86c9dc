"""What mAP costs with each detector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from charts.axes import LEAST, Style, bars, handles_of, lay_out, quiet, short_size, styles, write_caption
from charts.labels import plain, short_names

PANEL = (6.4, 4.0)  # inches
COLUMNS = 2
CHEAPEST = "#222222"
BEFORE = 0.03  # of the axis, left of no cost: room for a star


@dataclass(frozen=True, eq=False)
class CostLine:
    """The mAP that money buys with one detector, in [0, 1], and what the target costs."""

    name: str
    metric: str
    cost: np.ndarray  # float64 [n], not falling
    median: np.ndarray  # float64 [n]
    interval_80: np.ndarray  # float64 [n, 2]
    total: float  # median cost of the target, inf or nan where there is none
    total_80: tuple[float, float]  # its interval
    cheapest: bool  # and no other as cheap


def cost_chart(panels: Mapping[str, Sequence[CostLine]], target: float | None, budget: float | None) -> Figure:
    """Draw a panel per data set: mAP in points over cost, a line per detector, a star where the target is cheapest."""
    figure, axes = lay_out(len(panels), COLUMNS, PANEL, 1.0, LEAST)
    names = [line.name for lines in panels.values() for line in lines]
    looks, texts = styles(names), short_names(names)
    for each, (title, lines) in zip(axes, panels.items()):
        end = _end(lines, budget)
        for line in lines:
            _draw_line(each, line, looks[line.name], texts[line.name], end)
        _draw_target(each, lines, looks, target, budget, end)
        _label(each, title, lines, end)
    found = handles_of(axes)
    figure.legend(found.values(), found, loc="outside upper left", ncols=2, frameon=False, fontsize=9)
    write_caption(figure, "Cost: labels beyond those at hand, and training. Lines: median forecast with its 80 % "
                          "interval; marks: cost of the target with its 80 % interval, none where it is reached.")
    return figure


def _end(lines: Sequence[CostLine], budget: float | None) -> float:
    """Return where the axis of costs ends: beyond the budget and all medians that are within reach of each other.

    Where there is neither, a third of the way through the lines.
    """
    totals = sorted(line.total for line in lines if np.isfinite(line.total) and line.total > 0)
    ends = [1.5 * total for total in totals if total <= 10 * totals[0]] + [1.15 * (budget or 0)]
    return max(ends) or max(float(line.cost[len(line.cost) // 3]) for line in lines) or 1.0


def _draw_line(axes: Axes, line: CostLine, look: Style, text: str, end: float) -> None:
    shown = line.cost <= end
    shown[min(int(shown.sum()), len(shown) - 1)] = True  # the line leaves the panel rather than stop before its edge
    axes.fill_between(line.cost[shown], *(100 * line.interval_80[shown].T), color=look[0], alpha=0.15, linewidth=0)
    axes.plot(line.cost[shown], 100 * line.median[shown], color=look[0], linewidth=1.8, label=text)


def _draw_target(axes: Axes, lines: Sequence[CostLine], looks: Mapping[str, Style], target: float | None,
                 budget: float | None, end: float) -> None:
    if budget is not None:
        axes.axvline(budget, color="0.3", linestyle=":", linewidth=1.2, label="budget")
    if target is None:
        return
    axes.axhline(100 * target, color="0.3", linestyle="--", linewidth=1, label="target")
    for line in lines:
        if not line.total <= end:
            continue
        colour, marker = looks[line.name]
        total = np.array([line.total])
        limits = np.minimum([line.total_80], 2 * end)  # never ends beyond the edge
        if line.total > 0:
            axes.errorbar(total, [100 * target], xerr=bars(total, limits), fmt=marker, color=colour, markersize=6,
                          markeredgecolor="0.15", capsize=3, elinewidth=1.4, zorder=4)
        if line.cheapest:
            axes.plot(total, [100 * target], "*", color=colour, markersize=17, markeredgecolor=CHEAPEST, zorder=5,
                      clip_on=False, linestyle="", label="cheapest way to the target")


def _label(axes: Axes, title: str, lines: Sequence[CostLine], end: float) -> None:
    axes.set_xlim(-BEFORE * end, end)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(short_size))
    axes.set_title(plain(title), loc="left", fontsize=11, fontweight="bold")
    axes.set_xlabel("cost, in the currency of the prices")
    axes.set_ylabel(f"{' or '.join(dict.fromkeys(line.metric for line in lines))}, points")
    quiet(axes)
