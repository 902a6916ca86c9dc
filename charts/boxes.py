"""Boxes on a picture, with labels that lie on no other label."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox

from charts.colours import Colour, ink_on

OUTLINE = "black"  # around the lines, so that they show on any picture
CROWDED = 12  # boxes from which on lines are thin
PAD = 0.8  # points around a label
SOLID: Mapping[str, str] = {}  # line styles: no class has another one


def draw_boxes(axes: Axes, boxes: Sequence[Sequence[float]], classes: Sequence[str], colours: Mapping[str, Colour],
               styles: Mapping[str, str] = SOLID, line: float = 0) -> None:
    """Outline `boxes` [N, 4], COCO [x, y, width, height] in pixels, each in the colour of its class.

    `styles` has the line style of the classes whose lines are not solid; `line` is the width in points, 0 as suits N.
    """
    line = line or (1.3 if len(boxes) < CROWDED else 0.8)
    for (x, y, width, height), name in zip(boxes, classes):
        for extra, edge, style in ((0.9, OUTLINE, "-"), (0, colours[name], styles.get(name, "-"))):
            axes.add_patch(Rectangle((x - 0.5, y - 0.5), width, height, fill=False, edgecolor=edge,
                                     linewidth=line + extra, linestyle=style))  # a pixel's centre is a whole number


def write_labels(axes: Axes, boxes: Sequence[Sequence[float]], classes: Sequence[str], texts: Sequence[str],
                 colours: Mapping[str, Colour]) -> None:
    """Write `texts` [N] at their boxes [N, 4] where they find room: inside the picture and on no other label.

    The first box of each class comes first, so that a crowd of one leaves room for the others; a text without room
    is left out, its box's colour says the class. A box with an empty text gets none. The figure's layout must be
    settled, by a drawing without output, at the resolution of its picture: a letter's width depends on it.
    """
    first = [classes.index(name) for name in dict.fromkeys(classes)]
    order = [i for i in dict.fromkeys([*first, *range(len(classes))]) if texts[i]]
    frame, taken = axes.get_window_extent(), []
    pad = PAD * axes.figure.dpi / 72
    for i in order:
        text = axes.text(0, 0, texts[i], fontsize=6, color=ink_on(colours[classes[i]]), va="bottom", ha="left",
                         in_layout=False, bbox={"facecolor": colours[classes[i]], "edgecolor": "none", "pad": PAD})
        extent = text.get_window_extent()
        x, y, width, height = boxes[i]
        corners = axes.transData.transform([(x - 0.5, y - 0.5), (x + width - 0.5, y + height - 0.5)])
        place = next((p for p in _places(corners, extent.width + 2 * pad, extent.height + 2 * pad, frame)
                      if not any(_overlap(p, other) for other in taken)), None)
        if place is None:
            text.remove()
            continue
        taken.append(place)
        text.set_position(axes.transData.inverted().transform((place.x0 + pad, place.y0 + pad)))


def _places(corners: np.ndarray, width: float, height: float, frame: Bbox) -> Iterator[Bbox]:
    """Yield where a label of `width` x `height` may lie by a box, best first: on it, in it, under it, beside it.

    `corners` [2, 2] are the box's upper left and lower right one; all in pixels of the screen, y upwards.
    """
    (left, top), (right, bottom) = corners
    left, right = max(left, frame.x0), min(right, frame.x1)
    top, bottom = min(top, frame.y1), max(bottom, frame.y0)
    aligned, beside = (left, right - width), (right, left - width)
    for ys, xs in (((top, top - height, bottom - height, bottom), aligned), ((top - height, bottom), beside)):
        for y, x in itertools.product(ys, xs):
            if frame.y0 <= y and y + height <= frame.y1:
                yield Bbox.from_bounds(min(max(x, frame.x0), frame.x1 - width), y, width, height)


def _overlap(one: Bbox, other: Bbox) -> bool:
    return one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1
