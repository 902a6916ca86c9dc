"""The share of each class in the boxes, as a ring."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Wedge

from charts.colours import ink_on, palette
from charts.labels import LONGEST, short_names
from datasets.prevalence.count import largest_subset

SLICES = 16  # at most; the rest is drawn as one
RING = {"width": 0.42, "edgecolor": "white", "linewidth": 1.2}
OTHERS = (0.8, 0.8, 0.8)
LABELLED = 0.04  # share from which a slice has room for its per cent


def doughnut(table: pd.DataFrame) -> Figure:
    """Draw the boxes of the largest training subset by class, most frequent first, clockwise from the top.

    `table` is one of `datasets.prevalence.count.tabulate`. The legend runs the same way round and gives the counts.
    """
    whole = largest_subset(table)["boxes"]
    boxes, total = _group_tail(whole), whole.sum()
    colours = palette(len(boxes))
    if len(boxes) < len(whole):
        colours[-1] = OTHERS
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.add_subplot(xlim=(-1.02, 1.02), ylim=(-1.02, 1.02), aspect="equal", xticks=[], yticks=[],
                              frame_on=False)
    ends = np.append(90, 90 - 360 * np.cumsum(boxes) / max(total, 1))  # degrees
    wedges = [Wedge((0, 0), 1, end, start, facecolor=colour, **RING)
              for start, end, colour in zip(ends, ends[1:], colours)]
    for wedge, count, colour in zip(wedges, boxes, colours):
        axes.add_patch(wedge)
        if count > LABELLED * total:
            _write_share(axes, wedge, f"{100 * count / total:.0f} %", ink_on(colour))
    axes.text(0, 0, f"{total:,}\nboxes", ha="center", va="center", fontsize=15)
    figure.suptitle("Boxes per class", x=0.01, ha="left", fontsize=11, fontweight="bold")
    figure.legend(wedges, [f"{_pad(count, boxes.max())}  {name}" for name, count in boxes.items()],
                  loc="outside center right", frameon=False, fontsize=9)
    return figure


def _group_tail(boxes: pd.Series) -> pd.Series:
    """Return boxes per class, labelled for a chart; beyond SLICES classes the rarest together as "64 others"."""
    head = boxes.iloc[:SLICES - 1] if len(boxes) > SLICES else boxes
    named = head.rename(index=short_names(head.index, LONGEST))
    if len(head) == len(boxes):
        return named
    return pd.concat([named, pd.Series({f"{len(boxes) - len(head)} others": boxes.iloc[len(head):].sum()})])


def _pad(number: int, largest: int) -> str:
    """Return `number` as wide as `largest`, with the spaces that are as wide as a digit and as a comma."""
    text, widest = f"{number:,}", f"{largest:,}"
    missing = widest[:len(widest) - len(text)]
    return "".join("\u2008" if c == "," else "\u2007" for c in missing) + text


def _write_share(axes: Axes, wedge: Wedge, text: str, ink: str) -> None:
    """Write `text` in the middle of a slice of the ring."""
    angle = math.radians((wedge.theta1 + wedge.theta2) / 2)
    radius = wedge.r - RING["width"] / 2
    axes.text(radius * math.cos(angle), radius * math.sin(angle), text, color=ink, ha="center", va="center", fontsize=9)
