"""Validation images with their true boxes and a detector's, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

PANEL = 1.9  # inches, the width of one image
TITLE, LEGEND = 0.25, 0.4  # inches, their heights
COLOURS = matplotlib.colormaps["tab10"].colors
OUTLINE = "black"  # around the lines, so that they show on any picture

Boxes = np.ndarray  # float [n, 4], COCO [x, y, width, height] in pixels of the image


def detection_grid(
    images: Sequence[np.ndarray],
    truth_boxes: Sequence[Boxes],
    truth_labels: Sequence[Sequence[str]],
    detection_boxes: Sequence[Boxes],
    detection_labels: Sequence[Sequence[str]],
    detection_scores: Sequence[Sequence[float]],
    *,
    columns: int = 3,
    min_score: float = 0.3,
) -> Figure:
    """Draw each image twice, with its truth on the left and its detections of at least `min_score` on the right.

    Every argument holds one entry per image (uint8 [H, W, 3] or [H, W]); a label keeps its colour throughout.
    """
    columns = max(1, min(columns, len(images)))
    rows = max(1, math.ceil(len(images) / columns))
    tallest = max((image.shape[0] / image.shape[1] for image in images), default=1)
    figure = Figure(figsize=(2 * PANEL * columns, (PANEL * tallest + TITLE) * rows + LEGEND),
                    layout=ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0))
    pairs = figure.subfigures(rows, columns, squeeze=False, wspace=0.05, hspace=0.02).ravel()
    colours = _colours(truth_labels, detection_labels)
    for i, image in enumerate(images):
        left, right = pairs[i].subplots(1, 2)
        kept = np.flatnonzero(np.asarray(detection_scores[i]) >= min_score).tolist()
        labels = [detection_labels[i][k] for k in kept]
        tags = [f"{label} {detection_scores[i][k]:.2f}" for label, k in zip(labels, kept)]
        _draw(left, image, truth_boxes[i], truth_labels[i], truth_labels[i], colours)
        _draw(right, image, np.asarray(detection_boxes[i])[kept], labels, tags, colours)
        left.set_title("truth", fontsize=7)
        right.set_title(f"detections ≥ {min_score:g}", fontsize=7)
    _add_legend(figure, colours)
    return figure


def _draw(axes: Axes, image: np.ndarray, boxes: Boxes, labels: Sequence[str], tags: Sequence[str],
          colours: dict[str, tuple]) -> None:
    """Show `image` with a box in the colour of each label and its tag."""
    axes.imshow(image, cmap="gray")
    axes.set_axis_off()
    for (x, y, width, height), label, tag in zip(boxes, labels, tags):
        for colour, line in ((OUTLINE, 2.0), (colours[label], 1.2)):
            axes.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=colour, linewidth=line))
        # A tag stands on its box, but hangs from it at the picture's upper edge and ends with it at the right one.
        at_top, at_right = y < 0.06 * image.shape[0], x > 0.75 * image.shape[1]
        edge = min(x + width, image.shape[1]) if at_right else max(x, 0)
        axes.text(edge, max(y, 0), tag, fontsize=5, color="white", clip_on=True,
                  verticalalignment="top" if at_top else "bottom", horizontalalignment="right" if at_right else "left",
                  bbox={"facecolor": colours[label], "edgecolor": "none", "pad": 0.5})


def _colours(*labels: Sequence[Sequence[str]]) -> dict[str, tuple]:
    """Return a colour for every label in use; they repeat after ten."""
    names = sorted({name for per_image in labels for of_image in per_image for name in of_image})
    return {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}


def _add_legend(figure: Figure, colours: dict[str, tuple]) -> None:
    if colours:
        handles = [Line2D([], [], color=colour, linewidth=3) for colour in colours.values()]
        figure.legend(handles, list(colours), loc="outside lower center", ncols=min(len(colours), 10), fontsize=7,
                      frameon=False)
