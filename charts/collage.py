"""Images with their labelled boxes, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

Colour = np.ndarray  # float [4], RGBA in [0, 1]

COLUMNS = 4
CELL = 2.4  # inches


def collage(images: Sequence[np.ndarray], boxes: Sequence[np.ndarray], labels: Sequence[Sequence[str]],
            scores: Sequence[Sequence[float]] | None = None) -> Figure:
    """Draw images (uint8 [H, W, 3]), each with its N boxes and their classes, a colour for each class.

    `boxes` are [N, 4] per image, COCO [x, y, width, height] in pixels; `scores`, where given, follow the labels.
    """
    figure, grid = _lay_out(images)
    colours = _choose_colours(labels)
    for index, (axes, image) in enumerate(zip(grid, images)):
        axes.imshow(image)
        texts = labels[index] if scores is None else [f"{n} {s:.2f}" for n, s in zip(labels[index], scores[index])]
        for box, name, text in zip(boxes[index], labels[index], texts):
            _draw_box(axes, image.shape, box, text, colours[name])
    return figure


def _lay_out(images: Sequence[np.ndarray]) -> tuple[Figure, list[Axes]]:
    """Return a figure with a cell for each image; rows are as high as the highest image."""
    columns = max(1, min(COLUMNS, len(images)))
    rows = max(1, math.ceil(len(images) / columns))
    aspect = max((image.shape[0] / image.shape[1] for image in images), default=1)
    figure = Figure(figsize=(CELL * columns, CELL * aspect * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes in grid:
        axes.set_axis_off()
    return figure, grid


def _choose_colours(labels: Sequence[Sequence[str]]) -> dict[str, Colour]:
    """Return a dark colour for each class, distinct for ten."""
    palette = matplotlib.colormaps["tab10"](range(10))
    return {name: palette[i % len(palette)] for i, name in enumerate(sorted(set(chain.from_iterable(labels))))}


def _draw_box(axes: Axes, image_shape: tuple[int, ...], box: np.ndarray, text: str, colour: Colour) -> None:
    """Draw a box with its text above it, or inside it at the image's top, or leftwards near its right edge."""
    x, y, width, height = box
    at_top, at_right = y < 0.08 * image_shape[0], x > 0.75 * image_shape[1]
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), width, height, fill=False, edgecolor=colour, linewidth=1.3))
    axes.text(x + width if at_right else x, y, text, fontsize=6, color="white", clip_on=True,
              verticalalignment="top" if at_top else "bottom", horizontalalignment="right" if at_right else "left",
              bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.8})
