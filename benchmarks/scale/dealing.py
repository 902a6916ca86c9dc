"""What the generated data sets share: class frequencies in proportion, boxes in clumps of a class, long tails."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

CLUMP = 2.5  # boxes of one class that lie together in an image, on average
SIDE, SPREAD = 45.0, 1.1  # pixels, median and log deviation of a box's side (41 % small, 34 % medium, 25 % large)


def scale(counts: Iterable[int], factor: float) -> np.ndarray:
    """Return int64 [K]: `counts` times `factor`, at least one of each."""
    return np.maximum(1, np.rint(np.array([*counts]) * factor)).astype(np.int64)


def deal(rng: np.random.Generator, counts: np.ndarray, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each box's image and class, int64 [B]: `counts` [K] boxes of each class, in clumps of one class.

    Every image has a clump while they last; the rest lie anywhere, so that the number per image has a tail.
    """
    class_ = np.repeat(np.arange(len(counts)), counts)
    starts = rng.random(len(class_)) < 1 / CLUMP
    starts[np.concatenate([[0], np.cumsum(counts)[:-1]])] = True
    clumps = int(starts.sum())
    dealt = np.concatenate([rng.permutation(images), rng.integers(images, size=max(0, clumps - images))])
    return rng.permutation(dealt)[:clumps][np.cumsum(starts) - 1], class_


def place(rng: np.random.Generator, sides: np.ndarray) -> np.ndarray:
    """Return float64 [B, 4]: a box [x, y, width, height] inside each image of `sides` (width, height) [B, 2]."""
    side = np.exp(rng.normal(np.log(SIDE), SPREAD, (len(sides), 1)) + rng.normal(0, 0.3, (len(sides), 2)))
    size = np.clip(side, 2, sides)
    return np.concatenate([rng.random(size.shape) * (sides - size), size], axis=1)
