"""How often each class occurs and how large its boxes are, as bars."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from charts.labels import class_axes
from datasets.prevalence.count import column_name, largest_subset, validation_set

SIZES = {"small": "#c6dbef", "medium": "#6baed6", "large": "#08519c"}  # also apart in grey
ROOM = 0.2  # of the axis, right of the longest bar, for its number


def prevalence(table: pd.DataFrame) -> Figure:
    """Draw boxes per class: a bar for the largest subset, dots for the smaller ones, diamonds for validation.

    `table` is one of `datasets.prevalence.count.tabulate`. The axis is logarithmic above 1 and shows 0, so that a class
    that vanishes from a subset is seen.
    """
    whole, validation = largest_subset(table), validation_set(table)
    train = table[table["split"] == "train"].pivot(index="class", columns="fraction", values="boxes").loc[whole.index]
    figure, axes = class_axes(train.index, "Boxes per class and subset", rows=len(train.columns) + 1)
    handles = _draw_subsets(axes, train)
    if len(validation):
        handles += axes.plot(validation["boxes"], range(len(train)), "D", color="none", markeredgecolor="black",
                             label="validation")
    highest = pd.concat([whole["boxes"], validation["boxes"]], axis=1).max(axis=1)
    longest = max(1, highest.max())
    for row, (boxes, end) in enumerate(zip(whole["boxes"], highest)):
        axes.annotate(f"{boxes:,}", (end, row), (6, 0), textcoords="offset points", va="center", fontsize=8)
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(-0.1, longest * (10 * longest)**ROOM)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("boxes")
    return figure


def sizes(table: pd.DataFrame) -> Figure:
    """Draw which share of each class's boxes is small, medium and large, in the largest training subset."""
    whole = largest_subset(table)
    figure, axes = class_axes(whole.index, "Sizes of the boxes of each class", rows=3)
    shares = 100 * whole[list(SIZES)].div(whole["boxes"].clip(lower=1), axis=0)
    starts = shares.cumsum(axis=1) - shares
    for name, colour in SIZES.items():
        axes.barh(range(len(shares)), shares[name], left=starts[name], color=colour, label=name)
    for row in np.flatnonzero(whole["boxes"] == 0):
        axes.annotate("no box", (0, row), (3, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_xlim(0, 100)
    axes.set_xlabel("per cent of the class's boxes; small: below 32 x 32 pixels, large: from 96 x 96")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure


def _draw_subsets(axes: Axes, train: pd.DataFrame) -> list[Any]:
    """Draw the columns of `train`, boxes per class and fraction, the last one as bars; largest subset first.

    Return their legend entries.
    """
    rows = np.arange(len(train))
    *smaller, largest = train.columns
    bars = axes.barh(rows, train[largest], color="0.82", label=column_name("train", largest))
    colours = matplotlib.colormaps["viridis"](np.linspace(0.1, 0.9, len(smaller)))
    dots = [axes.plot(train[fraction], rows, "o", color=colour, markersize=5, label=column_name("train", fraction))[0]
            for fraction, colour in zip(reversed(smaller), colours)]
    return [bars, *dots]
