"""Images with their boxes side by side: labelled ones, or the truth beside what a detector found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from datasets.annotations import Annotations

CELL, TITLE = 2.4, 0.15  # inches, the width of an image and the height of its title
OUTLINE = "black"  # around the lines, so that they show on any picture


@dataclass(frozen=True, eq=False)
class Labelled:
    """An image with its N boxes."""

    image: np.ndarray  # uint8 [H, W, 3]
    boxes: Sequence[Sequence[float]]  # [N, 4], COCO [x, y, width, height] in pixels
    labels: Sequence[str]  # [N], their classes
    scores: Sequence[float] = ()  # [N] where a detector found them
    title: str = ""


def read_labelled(annotations: Annotations, images: Path) -> list[Labelled]:
    """Read every image of `annotations`; `images` is the folder its file names start from."""
    boxes, classes = (np.split(array, annotations.starts[1:-1]) for array in (annotations.boxes, annotations.classes))
    return [
        Labelled(np.asarray(Image.open(images / name).convert("RGB")), box, [annotations.categories[k] for k in kinds])
        for name, box, kinds in zip(annotations.file_names, boxes, classes)
    ]


def detection_grid(truth: Annotations, images: Path, detections: Sequence[dict[str, Any]],
                   min_score: float = 0.3) -> Figure:
    """Draw every image of `truth` twice: with its own boxes, then with the detections of at least `min_score`.

    `detections` are COCO results; those of other images are passed over.
    """
    names = dict(zip(truth.category_ids, truth.categories))
    pairs = []
    for image_id, true in zip(truth.image_ids.tolist(), read_labelled(truth, images)):
        found = [d for d in detections if d["image_id"] == image_id and d["score"] >= min_score]
        pairs += [replace(true, title="truth"),
                  Labelled(true.image, [d["bbox"] for d in found], [names[d["category_id"]] for d in found],
                           [d["score"] for d in found], title=f"detections ≥ {min_score:g}")]
    return collage(pairs, columns=4)


def collage(pictures: Sequence[Labelled], columns: int = 3) -> Figure:
    """Draw every image with its boxes and their classes, a colour for each class."""
    figure, grid = _lay_out(pictures, columns)
    colours = _choose_colours(chain.from_iterable(picture.labels for picture in pictures))
    for axes, picture in zip(grid, pictures):
        axes.imshow(picture.image)
        axes.set_title(picture.title, fontsize=7, pad=3)
        scores = [f" {score:.2f}" for score in picture.scores] or [""] * len(picture.labels)
        for box, label, score in zip(picture.boxes, picture.labels, scores):
            _draw_box(axes, picture.image.shape, box, label + score, colours[label])
    return figure


def _lay_out(pictures: Sequence[Labelled], columns: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with a cell for each picture; rows are as high as the highest image."""
    columns = max(1, min(columns, len(pictures)))
    rows = max(1, math.ceil(len(pictures) / columns))
    height = CELL * max((p.image.shape[0] / p.image.shape[1] for p in pictures), default=1)
    height += TITLE * any(p.title for p in pictures)
    figure = Figure(figsize=(CELL * columns, height * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes in grid:
        axes.set_axis_off()
    return figure, grid


def _choose_colours(labels: Iterable[str]) -> dict[str, tuple[float, ...]]:
    """Return a dark colour for each class, distinct for ten."""
    palette = matplotlib.colormaps["tab10"].colors
    return {name: palette[i % len(palette)] for i, name in enumerate(sorted(set(labels)))}


def _draw_box(axes: Axes, image_shape: tuple[int, ...], box: Sequence[float], text: str,
              colour: tuple[float, ...]) -> None:
    """Draw a box with its text above it, or inside it at the image's top, or leftwards near its right edge."""
    x, y, width, height = box
    for line, edge in ((2.2, OUTLINE), (1.3, colour)):  # a pixel's centre is at a whole number
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), width, height, fill=False, edgecolor=edge, linewidth=line))
    at_top, at_right = y < 0.08 * image_shape[0], x > 0.75 * image_shape[1]
    edge = min(x + width, image_shape[1]) if at_right else max(x, 0)
    axes.text(edge - 0.5, max(y, 0) - 0.5, text, fontsize=6, color="white", clip_on=True,
              verticalalignment="top" if at_top else "bottom", horizontalalignment="right" if at_right else "left",
              bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.8})
