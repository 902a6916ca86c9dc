"""Images with what a detector got wrong, what it missed and what it got right."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from charts.boxes import OUTLINE, draw_boxes, write_labels
from charts.collage import Labelled, lay_out, show
from charts.colours import FIRST, Colour
from charts.labels import plain

WRONG, MISSED, RIGHT, CROWD = "wrong", "missed", "right", "crowd"
COLOURS: Mapping[str, Colour] = {WRONG: FIRST[5], MISSED: FIRST[3], RIGHT: FIRST[1], CROWD: (0.8, 0.8, 0.8)}
STYLES = {MISSED: "--", CROWD: ":"}
SIGN = "✗ "  # before the label of a wrong detection, for eyes that cannot tell its colour
MEANINGS = {WRONG: f"{SIGN}wrong detection", MISSED: "true box that is missed",
            RIGHT: "right detection (IoU ≥ 0.5 with a box of its class)",
            CROWD: "crowd (nothing counts)"}
COLUMNS = 4
STRONG = 2.0  # points
LEAST = 8.5  # inches of width, for heading and legend
LINE, LEGEND = 0.17, 0.25  # inches of height, of a line of the heading and of the legend


@dataclass(frozen=True, eq=False)
class Marked:
    """An image with N marked boxes. The one it was chosen for comes first and is drawn stronger."""

    picture: Labelled  # its labels are written at the boxes as they are; an empty one is not
    marks: Sequence[str]  # [N], keys of MEANINGS


def mistakes_grid(pictures: Sequence[Marked], heading: str) -> Figure:
    """Draw every image with its marked boxes, under `heading`, which alone is drawn where there is no image."""
    figure, grid = lay_out([each.picture for each in pictures], COLUMNS)
    width, height = figure.get_size_inches()
    width = max(width, LEAST)
    lines = [line for each in heading.splitlines() for line in textwrap.wrap(each, int(15 * width))]
    figure.set_size_inches(width, LINE * (1 + len(lines)) + (height + LEGEND if pictures else 0))
    figure.suptitle("\n".join(lines), fontsize=8, ha="left", x=0.01)
    for axes, each in zip(grid, pictures):
        show(axes, each.picture)
        for rows, line in ((slice(1, None), 0), (slice(1), STRONG)):
            draw_boxes(axes, each.picture.boxes[rows], each.marks[rows], COLOURS, STYLES, line)
    if pictures:
        _explain(figure, {mark for each in pictures for mark in each.marks})
    figure.draw_without_rendering()  # settles the layout, by which the labels' places are found
    figure.set_layout_engine("none")  # once is enough
    for axes, each in zip(grid, pictures):
        texts = [(SIGN if label and mark == WRONG else "") + plain(label)
                 for label, mark in zip(each.picture.labels, each.marks)]
        write_labels(axes, each.picture.boxes, each.marks, texts, COLOURS)
    return figure


def _explain(figure: Figure, marks: set[str]) -> None:
    """Add a legend of the `marks` that occur: as on the images, in colour on a dark line."""
    shown = [mark for mark in MEANINGS if mark in marks]
    handles = [(Rectangle((0, 0), 1, 1, fill=False, edgecolor=OUTLINE, linewidth=2.2),
                Rectangle((0, 0), 1, 1, fill=False, edgecolor=COLOURS[mark], linewidth=1.3,
                          linestyle=STYLES.get(mark, "-"))) for mark in shown]
    figure.legend(handles, [MEANINGS[mark] for mark in shown], loc="outside lower left", ncols=len(shown),
                  fontsize=7, frameon=False)
