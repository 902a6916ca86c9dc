"""Precision against recall: a small panel for every class."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from charts.labels import plain, short_names
from charts.save import DPI

LINES = {  # colour, style and width in points: of equal lines the lower shows through the gaps of the upper
    "IoU 0.50": ("#0072B2", "-", 1.6), "IoU 0.75": ("#D55E00", (0, (4, 2)), 1.3),
    "mean of IoU 0.50 to 0.95": ("#222222", (0, (1, 1.2)), 1.3)}
FIRST, MIDDLE = 0, 5  # IoU .50 and .75 among COCO's thresholds
MOST = 99  # classes with a panel
PANEL, GAP = (1.7, 1.55), (0.2, 0.5)  # inches: of a panel with its title, and how much of that lies between the axes
NARROWEST, WIDEST = 4, 10  # panels in a row, where there are as many
LEFT, ABOVE, BELOW, LINE = 0.55, 0.65, 0.5, 0.14  # inches around the axes, and of a line of a note
LEAST = 5.5  # inches of width, for the legend
LONGEST = 14  # characters of a name above a panel
NAMED = 12  # classes without boxes that are named
ABOVE_SPINES = 3  # zorder; a line along an axis would hide behind it
NOTE = "Precision is the best at that recall or beyond; the mean of a line is its AP."


def precision_recall(names: Sequence[str], precision: np.ndarray, boxes: Sequence[int]) -> Figure:
    """Draw a panel of all classes, then one of each that has boxes, the highest AP first.

    `precision` float64 [T, R, K] is COCOeval's at its T thresholds, R evenly spaced recalls and K classes (all sizes,
    100 detections), -1 where undefined, and not so for one class at least; `boxes` [K] are those to be found. The mean
    of a line is its AP. Of more than MOST classes those with most boxes are drawn.
    """
    defined = [k for k in range(len(names)) if (precision[..., k] > -1).all()]
    drawn = sorted(defined, key=lambda k: -boxes[k])[:MOST]
    drawn.sort(key=lambda k: -precision[..., k].mean())
    titles = short_names((names[k] for k in drawn), LONGEST)
    panels = [(titles[names[k]], boxes[k], precision[..., k]) for k in drawn]
    if len(defined) > 1:
        panels.insert(0, (f"all {len(defined)} classes", sum(boxes), precision[..., defined].mean(axis=2)))
    notes = _notes(len(defined) - len(drawn), [name for k, name in enumerate(names) if k not in defined])
    figure, grid = _lay_out(len(panels), notes)
    for axes, panel in zip(grid, panels):
        _draw(axes, *panel)
    figure.legend(*grid[0].get_legend_handles_labels(), loc="upper left", ncols=3, frameon=False, fontsize=8)
    return figure


def _notes(left_out: int, without: Sequence[str]) -> list[str]:
    """Return what is said under the panels."""
    notes = [f"Not drawn: {left_out:,} classes with fewer boxes."] if left_out else []
    if without:
        more = f" and {len(without) - NAMED:,} more" if len(without) > NAMED else ""
        notes.append(f"No boxes in the truth, so left out: {', '.join(map(plain, without[:NAMED]))}{more}.")
    return [NOTE, *notes]


def _lay_out(number: int, notes: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels over the notes: wider than high, few places empty."""
    about = max(NARROWEST, min(WIDEST, math.ceil(math.sqrt(2 * number))))
    columns = min(number, min(range(about - 1, about + 2), key=lambda columns: -number % columns))
    rows = math.ceil(number / columns)
    width = max(LEAST, LEFT + PANEL[0] * columns)
    lines = [line for note in notes for line in textwrap.wrap(note, int(15 * width))]
    height = ABOVE + PANEL[1] * rows - GAP[1] + BELOW + LINE * len(lines)
    figure = Figure(figsize=(width, height), dpi=DPI)  # laid out by hand: an engine takes seconds over 80 panels
    grid = figure.subplots(rows, columns, squeeze=False, gridspec_kw={
        "left": LEFT / width, "right": (LEFT + PANEL[0] * columns - GAP[0]) / width, "top": 1 - ABOVE / height,
        "bottom": (BELOW + LINE * len(lines)) / height, "wspace": GAP[0] / (PANEL[0] - GAP[0]),
        "hspace": GAP[1] / (PANEL[1] - GAP[1])}).ravel().tolist()
    for position, axes in enumerate(grid):
        axes.set(xlim=(0, 100), ylim=(0, 102), xticks=(0, 50, 100), yticks=(0, 50, 100))
        axes.tick_params(labelsize=6, length=2, labelbottom=position + columns >= number,
                         labelleft=position % columns == 0)
        axes.grid(color="0.9", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_visible(position < number)
    bottom = 0.06 + LINE * len(lines)
    middle = (LEFT + (PANEL[0] * columns - GAP[0]) / 2) / width, (bottom + height - ABOVE) / 2 / height
    figure.text(0.08 / width, middle[1], "precision, %", rotation="vertical", va="center", fontsize=8)
    figure.text(middle[0], (bottom + 0.08) / height, "recall, %", ha="center", va="bottom", fontsize=8)
    figure.text(LEFT / width, 0.06 / height, "\n".join(lines), va="bottom", fontsize=7, color="0.3")
    return figure, grid[:number]


def _draw(axes: Axes, name: str, boxes: int, precision: np.ndarray) -> None:
    """Draw precision [T, R] at two thresholds, and the mean of all."""
    lines = precision[FIRST], precision[MIDDLE], precision.mean(axis=0)
    for (label, (colour, style, width)), line in zip(LINES.items(), lines):
        axes.plot(np.linspace(0, 100, len(line)), 100 * line, color=colour, linestyle=style, linewidth=width,
                  label=label, clip_on=False, zorder=ABOVE_SPINES)
    at_first, at_middle, mean = (f"{100 * line.mean():.1f}" for line in lines)
    counted = f"{boxes:,} box" if boxes == 1 else f"{boxes:,} boxes"
    axes.set_title(f"{name}, {counted}\nAP {mean}  AP50 {at_first}  AP75 {at_middle}", fontsize=6.5, loc="left",
                   linespacing=1.3)
