"""Anchors of the two detectors on grids of several sizes (NumPy only).

The layouts are those of the original TensorFlow Object Detection API: `create_ssd_anchors`, with its lowest layer
reduced to three boxes (Liu et al. 2016, arXiv 1512.02325, section 2.2), and `MultiscaleGridAnchorGenerator` for
feature pyramids (Lin et al. 2017, arXiv 1708.02002, section 4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

ASPECT_RATIOS = (1.0, 2.0, 0.5, 3.0, 0.3333)  # width / height, in the original's order and with its 0.3333
LOWEST_LAYER = ((0.1, 1.0), (0.2, 2.0), (0.2, 0.5))

FINEST_LEVEL = 2  # a pyramid's level l has a stride of 2^l pixels
PYRAMID_SHAPES = [(4 * octave, ratio) for ratio in (1.0, 2.0, 0.5) for octave in (1.0, math.sqrt(2))]  # scale: strides


def ssd_shapes(num_layers: int, min_scale: float = 0.2, max_scale: float = 0.95) -> list[list[tuple[float, float]]]:
    """Return, for each layer, the (scale, aspect ratio) of each of its anchors."""
    scales = [*np.linspace(min_scale, max_scale, num_layers), 1.0]
    upper = [
        [(scale, ratio) for ratio in ASPECT_RATIOS] + [(math.sqrt(scale * following), 1.0)]
        for scale, following in zip(scales[1:-1], scales[2:])
    ]
    return [list(LOWEST_LAYER), *upper]


def ssd_anchors(grids: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return float32 [A, 4]: normalised, unclipped [ymin, xmin, ymax, xmax], by layer, row, column, then shape.

    `grids` holds (rows, columns) of each feature map, the finest first.
    """
    layers = zip(grids, ssd_shapes(len(grids)))
    return np.concatenate([_around(*((np.arange(n) + 0.5) / n for n in grid), shapes) for grid, shapes in layers])


def pyramid_anchors(input_size: int, grids: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return float32 [A, 4]: normalised, unclipped [ymin, xmin, ymax, xmax], by level, row, column, then shape.

    `grids` holds (rows, columns) of the maps of a square image, from level 2 on, each of half the one before. As in
    the original, centres lie half a stride into their cell on levels whose stride divides the image, else at its start.
    """
    levels = []
    for level, grid in enumerate(grids, start=FINEST_LEVEL):
        stride = 2**level
        first = 0.0 if input_size % stride else 0.5
        shapes = [(scale * stride / input_size, ratio) for scale, ratio in PYRAMID_SHAPES]
        levels.append(_around(*((np.arange(n) + first) * stride / input_size for n in grid), shapes))
    return np.concatenate(levels)


def _around(rows: np.ndarray, columns: np.ndarray, shapes: list[tuple[float, float]]) -> np.ndarray:
    """Return float32 [rows * columns * shapes, 4]: every (scale, aspect ratio) around every centre."""
    scales, ratios = np.array(shapes).T
    half = np.stack([scales / np.sqrt(ratios), scales * np.sqrt(ratios)], axis=-1) / 2
    centre = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)[:, :, None]
    return np.concatenate([centre - half, centre + half], axis=-1).reshape(-1, 4).astype(np.float32)
