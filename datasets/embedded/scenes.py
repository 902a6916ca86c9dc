"""Paints one image of an embedded data set: shapes of an alphabet on a textured background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from datasets.embedded.glyphs import Alphabet

SIDES = (128, 160)  # pixels, of an image
SIZES = (24, 70)  # pixels, the longer side of a painted shape
SHAPES = (1, 5)  # in one image
CONTRAST = (50, 150)  # grey levels between a shape and what lies under it
BRIGHTNESS = (30, 110)  # mean grey level of a background
TEXTURE = ((3, 14.0), (9, 8.0), (30, 5.0))  # cells across the image, grey levels of their standard deviation
GRAIN = 3.0  # grey levels, standard deviation of the noise in each pixel
OVERLAP = 0.25  # of the smaller of two boxes, at most
TRIES = 20  # places tried for a shape before it is left out
TURN = 0.12  # radians, at most, to either side
SLANT = 0.2  # horizontal shift per unit of height, at most, to either side
STRETCH = (0.85, 1.15)  # width against height
INK = (0.44, 0.56)  # where a stroke ends in a blurred shape: a thick or a thin pen
EASEL = 96  # pixels, the square on which a shape is deformed


@dataclass(frozen=True)
class Scene:
    """One painted image with its N shapes."""

    image: np.ndarray  # uint8 [height, width, 3]
    boxes: np.ndarray  # int64 [N, 4], COCO [x, y, width, height] in pixels, tight
    classes: np.ndarray  # int64 [N]


def paint_scene(rng: np.random.Generator, alphabet: Alphabet) -> Scene:
    """Paint an image with one to five shapes; those for which no room is found are left out."""
    height, width = rng.integers(SIDES[0], SIDES[1] + 1, size=2)
    canvas = _background(rng, height, width)
    boxes, classes = np.empty((0, 4), np.int64), []
    for class_ in rng.choice(len(alphabet.names), rng.integers(SHAPES[0], SHAPES[1] + 1), p=alphabet.weights):
        shapes = alphabet.shapes[class_]
        mask = _deform(rng, shapes[rng.integers(len(shapes))])
        box = _find_place(rng, mask.shape, canvas.shape, boxes)
        if box is not None:
            _stamp(rng, canvas, mask, box)
            boxes, classes = np.vstack([boxes, box]), [*classes, class_]
    return Scene(np.clip(np.rint(canvas), 0, 255).astype(np.uint8), boxes, np.array(classes, np.int64))


def _background(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Return float32 [height, width, 3]: a tinted grey with cloudy noise at several scales."""
    grey = np.full((height, width), rng.uniform(*BRIGHTNESS), np.float32)
    for cells, deviation in TEXTURE:
        noise = Image.fromarray(rng.normal(0, deviation, (cells, cells)).astype(np.float32))
        grey += np.asarray(noise.resize((width, height), Image.Resampling.BICUBIC))
    tint = rng.uniform(0.8, 1.2, 3)
    return (grey[..., None] * tint + rng.normal(0, GRAIN, (height, width, 1))).astype(np.float32)


def _deform(rng: np.random.Generator, shape: np.ndarray) -> np.ndarray:
    """Return `shape` slanted, turned, stretched and enlarged: float32 [h, w] in [0, 1], cut out tightly."""
    turn, slant, stretch = rng.uniform(-TURN, TURN), rng.uniform(-SLANT, SLANT), rng.uniform(*STRETCH)
    scale = max(shape.shape) / (0.6 * EASEL)  # source pixels per pixel of the easel
    rotate = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = scale * np.array([[stretch, slant], [0, 1]]) @ rotate
    source = Image.fromarray(np.pad(shape, 1))  # a margin, so that ink ends softly
    offset = np.array(source.size) / 2 - matrix @ np.full(2, EASEL / 2)
    big = source.transform((EASEL, EASEL), Image.Transform.AFFINE, (*matrix[0], offset[0], *matrix[1], offset[1]),
                           Image.Resampling.BICUBIC)
    ink = np.clip((np.asarray(big) - rng.uniform(*INK)) * 5 + 0.5, 0, 1)
    return _resize(ink, np.exp(rng.uniform(*np.log(SIZES))))


def _resize(ink: np.ndarray, longer_side: float) -> np.ndarray:
    """Return `ink` cut out tightly and resized: float32 [h, w] whose longer side is `longer_side` pixels."""
    ys, xs = np.nonzero(ink > 0.5)
    left, top, right, bottom = int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1
    factor = longer_side / max(right - left, bottom - top)
    size = (max(1, round((right - left) * factor)), max(1, round((bottom - top) * factor)))
    return np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR, (left, top, right, bottom)))


def _find_place(rng: np.random.Generator, size: tuple[int, ...], canvas: tuple[int, ...],
                boxes: np.ndarray) -> np.ndarray | None:
    """Return a box int64 [4] inside the canvas that covers little of `boxes`, or None."""
    height, width = size
    for _ in range(TRIES):
        x, y = rng.integers(canvas[1] - width + 1), rng.integers(canvas[0] - height + 1)
        box = np.array([x, y, width, height])
        if (_overlap(box, boxes) <= OVERLAP).all():
            return box
    return None


def _overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return float64 [N]: the area `box` shares with each of `boxes`, over the smaller of the two areas."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    return shared / np.minimum(box[2:].prod(), boxes[:, 2:].prod(axis=1))


def _stamp(rng: np.random.Generator, canvas: np.ndarray, mask: np.ndarray, box: np.ndarray) -> None:
    """Paint `mask` into the canvas, in place, in a colour brighter than what lies there."""
    x, y, width, height = box
    under = canvas[y:y + height, x:x + width]
    colour = under.mean(axis=(0, 1)) + rng.uniform(*CONTRAST) * rng.uniform(0.8, 1.2, 3)
    under += mask[..., None] * (colour.astype(np.float32) - under)
