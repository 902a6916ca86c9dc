"""How often each class occurs, as a chart."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROW = 0.24  # inches per class


def prevalence(table: pd.DataFrame) -> Figure:
    """Draw boxes per class: a bar for the largest subset, dots for the smaller ones, diamonds for validation.

    `table` has the columns split, fraction, class and boxes, as `datasets.prevalence.tabulate` makes it.
    The axis is logarithmic above 1 and shows 0, so that a class that vanishes from a subset is seen.
    """
    train = table[table["split"] == "train"].pivot(index="class", columns="fraction", values="boxes")
    train = train.sort_values(train.columns[-1], kind="stable")
    figure = Figure(figsize=(8, 1.3 + ROW * max(len(train), len(train.columns))), layout="constrained")
    axes = figure.add_subplot()
    handles = _draw_subsets(axes, train)
    validation = table[table["split"] == "validation"].set_index("class")["boxes"]
    if len(validation):
        handles += axes.plot(validation[train.index], range(len(train)), "D", color="none", markeredgecolor="black",
                             label="validation")
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    axes.set_yticks(range(len(train)), train.index)
    axes.set_ylim(-0.7, len(train) - 0.3)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(-0.1, None)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("boxes")
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_subsets(axes: Axes, train: pd.DataFrame) -> list[Any]:
    """Draw the columns of `train`, boxes per class and fraction, the last one as bars; largest subset first.

    Return their legend entries.
    """
    rows = np.arange(len(train))
    *smaller, largest = train.columns
    bars = axes.barh(rows, train[largest], color="0.82", label=f"{largest:g} %")
    colours = matplotlib.colormaps["viridis"](np.linspace(0.1, 0.9, len(smaller)))
    dots = [axes.plot(train[fraction], rows, "o", color=colour, markersize=5, label=f"{fraction:g} %")[0]
            for fraction, colour in zip(reversed(smaller), colours)]
    return [bars, *dots]
