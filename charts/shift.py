"""How far the classes of the validation set stray from the training set's, as ratios on a logarithmic axis."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from charts.labels import class_axes
from datasets.prevalence.shift import CONFIDENCE, significant

LESS, EQUAL, MORE = "#0072b2", "#999999", "#d55e00"  # of the palette of Okabe and Ito
STEPS = (1.5, 2, 3, 5, 10, 20, 50, 100)  # ratios to label; the axis ends at one of them
WIDE = 5.0  # ratio up to which the axis follows intervals; beyond, only the ratios themselves


def shift_chart(shifts: pd.DataFrame) -> Figure:
    """Draw the ratios of `datasets.prevalence.shift`, largest first, with intervals; those that leave out 1 in colour.

    A ratio beyond the axis is an arrow at its end; that of a class that one split lacks always is. Classes that both
    lack are left out.
    """
    known = shifts[shifts["ratio"].notna()]
    known = known.iloc[np.lexsort((-known["low"], -known["high"], -known["ratio"]))]
    figure, axes = class_axes(known["class"], "Images with each class: validation against training")
    limit = _axis_end(known)
    axes.axvline(1, color="black", linewidth=1)
    for row, (values, strange) in enumerate(zip(known.to_dict("records"), significant(known))):
        colour = EQUAL if not strange else MORE if values["low"] > 1 else LESS
        _draw_interval(axes, row, values, limit, colour)
    _label_ratios(axes, limit)
    figure.supxlabel(f"Lines: intervals that hold for all classes together in {100 * CONFIDENCE:g} of 100 cases; "
                     "in colour where they leave out 1.", x=0.01, ha="left", fontsize=8)
    return figure


def _axis_end(shifts: pd.DataFrame) -> float:
    """Return the ratio at the right end of the axis, its inverse being at the left: the least step with all ratios."""
    limits = shifts[["low", "high"]].to_numpy().ravel()
    farthest = max(_largest_size(shifts["ratio"].to_numpy()), min(WIDE, _largest_size(limits)))
    return next((step for step in STEPS[1:] if step > farthest), STEPS[-1])


def _largest_size(ratios: np.ndarray) -> float:
    """Return the largest of the finite ratios above 0 and their inverses, at least 1."""
    finite = ratios[(ratios > 0) & np.isfinite(ratios)]
    return float(np.maximum(finite, 1 / finite).max(initial=1))


def _draw_interval(axes: Axes, row: int, values: dict[str, float], limit: float, colour: str) -> None:
    low, ratio, high = (float(np.clip(values[name], 1 / limit, limit)) for name in ("low", "ratio", "high"))
    axes.plot([low, high], [row, row], color=colour, linewidth=1.6, solid_capstyle="butt")
    inside = 1 / limit < values["ratio"] < limit
    marker = "o" if inside else ">" if values["ratio"] > 1 else "<"
    axes.plot([ratio], [row], marker, color=colour, markersize=5.5, clip_on=False, zorder=3)
    lacking = "training" if values["train"] == 0 else "validation" if values["validation"] == 0 else ""
    if lacking:  # written beyond the interval's other end, or over it where it leaves no room
        over = values["ratio"] > 1
        end = max(min(low, 1), limit**-0.5) if over else min(max(high, 1), limit**0.5)
        axes.annotate(f"none in {lacking}", (end, row), (-8 if over else 8, 0), textcoords="offset points", va="center",
                      ha="right" if over else "left", color=colour, fontsize=8,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})


def _label_ratios(axes: Axes, limit: float) -> None:
    steps = [step for step in STEPS if step <= limit and (step > 1.5 or limit <= 5)]
    axes.set_xscale("log")
    axes.set_xlim(1 / limit, limit)
    axes.xaxis.set_major_locator(FixedLocator([*(1 / step for step in reversed(steps)), 1, *steps]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.2g}"))
    axes.set_xlabel("share of the validation images / share of the training images")
