"""Images with their boxes side by side: labelled ones, or the truth beside what a detector found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from charts.boxes import CROWDED, draw_boxes, write_labels
from charts.colours import palette
from charts.labels import plain
from charts.save import DPI
from datasets.annotations import Annotations, for_training
from datasets.errors import InputError
from datasets.orders.order import hash_order
from datasets.orientation import as_annotated

CELL, TITLE = 2.4, 0.15  # inches, the width of an image and the height of its title
POOL = 20  # images to choose each one from
LARGEST = 900  # pixels of an image's longer side; larger ones are shrunk, for they are drawn smaller still


@dataclass(frozen=True, eq=False)
class Labelled:
    """An image with its N boxes."""

    image: np.ndarray  # uint8 [H, W, 3]
    boxes: Sequence[Sequence[float]]  # [N, 4], COCO [x, y, width, height] in pixels of the file
    labels: Sequence[str]  # [N], their classes
    scores: Sequence[float] = ()  # [N] where a detector found them
    title: str = ""
    scale: float = 1.0  # pixels of `image` to one of the file


class Found(Protocol):
    """D detections in the images of a truth; images and classes by their positions there."""

    @property
    def images(self) -> np.ndarray: ...  # int [D]

    @property
    def classes(self) -> np.ndarray: ...  # int [D]

    @property
    def boxes(self) -> np.ndarray: ...  # float [D, 4], COCO [x, y, width, height] in pixels

    @property
    def scores(self) -> np.ndarray: ...  # float [D], in [0, 1]


def read_labelled(annotations: Annotations, images: Path) -> list[Labelled]:
    """Read every image of `annotations`, with its boxes; `images` is the folder its file names start from.

    Raises InputError where one is missing or no picture.
    """
    pictures = []
    for position in range(annotations.num_images):
        rows = slice(annotations.starts[position], annotations.starts[position + 1])
        image, scale = read_image(annotations, images, position)
        names = [annotations.categories[k] for k in annotations.classes[rows]]
        pictures.append(Labelled(image, annotations.boxes[rows], names, scale=scale))
    return pictures


def read_image(annotations: Annotations, images: Path, position: int) -> tuple[np.ndarray, float]:
    """Return uint8 [H, W, 3], turned as the annotations have it, and its pixels to one of the file: 1, or fewer.

    Raises InputError where the file is missing or no picture.
    """
    path = images / annotations.file_names[position]
    width, height = int(annotations.widths[position]), int(annotations.heights[position])
    try:
        with Image.open(path) as image:
            turned = as_annotated(image, width, height).convert("RGB")
            whole = turned.width
            turned.thumbnail((LARGEST, LARGEST))
            return np.asarray(turned), turned.width / whole
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InputError(f"{path}: no picture to draw ({reason}); restore it or remove it from "
                         f"{annotations.source}") from None


def detection_grid(truth: Annotations, images: Path, detections: Found, positions: np.ndarray,
                   min_score: float = 0.3) -> Figure:
    """Draw the images of `truth` at `positions` twice: with its boxes, then with detections of at least `min_score`."""
    pairs = []
    for position, true in zip(positions, read_labelled(truth.take(positions), images)):
        found = (detections.images == position) & (detections.scores >= min_score)
        names = [truth.categories[k] for k in detections.classes[found]]
        pairs += [replace(true, title="truth"),
                  replace(true, boxes=detections.boxes[found], labels=names, scores=detections.scores[found].tolist(),
                          title=f"detections ≥ {min_score:g}")]
    return collage(pairs, columns=4)


def labelled_grid(annotations: Annotations, images: Path, count: int = 6) -> Figure:
    """Draw `count` images of a data set with the boxes that a detector learns from."""
    labelled = for_training(annotations)
    return collage(read_labelled(labelled.take(choose(labelled, count)), images))


def choose(annotations: Annotations, count: int, draw: int = 0) -> np.ndarray:
    """Return int64 [count or fewer]: positions of images that show many classes between them, and are not crowded.

    Of the first images in the hash order of `draw`, always the one with most classes that are not seen yet; once all
    are seen, from the start again. Crowded images and those without boxes serve where the others are too few.
    """
    order = hash_order(annotations.file_names, draw)
    unfit = np.digitize(np.diff(annotations.starts)[order], [1, CROWDED]) != 1
    order = order[np.argsort(unfit, kind="stable")][:max(count, min(POOL * count, int((~unfit).sum())))]
    pool = annotations.take(order)
    shows = np.zeros((len(order), len(annotations.categories)), bool)
    shows[pool.image_of_box(), pool.classes] = True
    unseen, chosen = shows.any(axis=0), []
    for _ in range(min(count, len(order))):
        gain = (shows & unseen).sum(axis=1)
        gain[chosen] = -1
        chosen.append(int(gain.argmax()))
        unseen &= ~shows[chosen[-1]]
        if not unseen.any():
            unseen = shows.any(axis=0)
    return order[chosen]


def collage(pictures: Sequence[Labelled], columns: int = 3) -> Figure:
    """Draw every image with its boxes and their classes, a colour for each class."""
    figure, grid = lay_out(pictures, columns)
    names = sorted(set(chain.from_iterable(picture.labels for picture in pictures)))
    colours = dict(zip(names, palette(len(names))))
    for axes, picture in zip(grid, pictures):
        show(axes, picture)
        draw_boxes(axes, picture.boxes, picture.labels, colours)
    figure.draw_without_rendering()  # settles the layout, by which the labels' places are found
    figure.set_layout_engine("none")  # once is enough
    for axes, picture in zip(grid, pictures):
        scores = [f" {score:.2f}" for score in picture.scores] or [""] * len(picture.labels)
        texts = [plain(label) + score for label, score in zip(picture.labels, scores)]
        write_labels(axes, picture.boxes, picture.labels, texts, colours)
    return figure


def show(axes: Axes, picture: Labelled) -> None:
    """Draw the image under its title; the axes count in pixels of the file."""
    height, width = (side / picture.scale for side in picture.image.shape[:2])
    axes.imshow(picture.image, extent=(-0.5, width - 0.5, height - 0.5, -0.5))
    axes.set_title(picture.title, fontsize=7, pad=3)


def lay_out(pictures: Sequence[Labelled], columns: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with a cell for each picture; rows are as high as the highest image."""
    columns = max(1, min(columns, len(pictures)))
    rows = max(1, math.ceil(len(pictures) / columns))
    height = CELL * max((p.image.shape[0] / p.image.shape[1] for p in pictures), default=1)
    height += TITLE * any(p.title for p in pictures)
    figure = Figure(figsize=(CELL * columns, height * rows), dpi=DPI, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes in grid:
        axes.set_axis_off()
    return figure, grid
