"""AP against training steps, on the images that chose when to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from charts.labels import short_names

SIZE = (7.5, 4.0)  # inches
LISTED = 16  # groups in a column of the legend
TITLE = "AP on the tuning split: training images held out to choose the steps"
NOTE = "The validation images are others; they chose nothing."


@dataclass(frozen=True, eq=False)
class Looks:
    """What one training saw of itself on the way, n times."""

    group: str  # those of one group have one colour: the repeats of a subset
    steps: Sequence[int]  # [n], rising
    values: Sequence[float]  # [n], AP in [0, 1]
    chosen: int  # one of `steps`


def steps_chart(runs: Sequence[Looks]) -> Figure:
    """Draw AP in points over steps: a line for each of `runs`, a colour for each group, from light to dark.

    A group is named at the end of its best line, where there is room.
    """
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    texts = short_names(run.group for run in runs)
    groups = list(texts)
    colours = dict(zip(groups, matplotlib.colormaps["viridis_r"](np.linspace(0.15, 1, len(groups)))))
    for run in runs:
        axes.plot(run.steps, 100 * np.asarray(run.values), "o-", color=colours[run.group], markersize=3, linewidth=1.2)
    for run in runs:
        value = 100 * run.values[list(run.steps).index(run.chosen)]
        axes.plot(run.chosen, value, "D", color=colours[run.group], markersize=8, markeredgecolor="black",
                  clip_on=False)
    axes.set_title(TITLE, loc="left", fontsize=10, fontweight="bold")
    axes.set_xlabel(f"training steps\n{NOTE}")
    axes.set_ylabel("AP, points")
    axes.set_xlim(0, 1.08 * max(run.steps[-1] for run in runs))  # room for a name
    axes.set_ylim(0, max(1, axes.get_ylim()[1]))
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    handles = [Line2D([], [], color=colours[group], marker="o", markersize=3, label=texts[group]) for group in groups]
    handles.append(Line2D([], [], color="none", marker="D", markersize=8, markeredgecolor="black", label="chosen"))
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8,
                title="subset", title_fontsize=8, ncols=1 + (len(handles) - 1) // LISTED)
    _name_ends(axes, [max((run for run in runs if run.group == group), key=lambda run: run.values[-1])
                      for group in groups], texts)
    return figure


def _name_ends(axes: Axes, runs: Sequence[Looks], texts: Mapping[str, str]) -> None:
    """Write the group of each run beside the end of its line, on no other such name."""
    axes.figure.draw_without_rendering()  # settles the layout, by which the room is known
    taken = []
    for run in runs:
        text = axes.annotate(texts[run.group], (run.steps[-1], 100 * run.values[-1]), (8, 0), fontsize=7, va="center",
                             textcoords="offset points", in_layout=False)
        extent = text.get_window_extent()
        if any(extent.overlaps(other) for other in taken):
            text.remove()
        else:
            taken.append(extent)
