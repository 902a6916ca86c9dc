"""Anchors of the Single Shot Detector on grids of several sizes (NumPy only).

The layout is that of `create_ssd_anchors` in the original TensorFlow Object Detection API, with its lowest layer
reduced to three boxes. Liu et al. 2016, arXiv 1512.02325, section 2.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

ASPECT_RATIOS = (1.0, 2.0, 0.5, 3.0, 0.3333)  # width / height, in the original's order and with its 0.3333
LOWEST_LAYER = ((0.1, 1.0), (0.2, 2.0), (0.2, 0.5))


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
    shapes = ssd_shapes(len(grids))
    return np.concatenate([_on_grid(rows, columns, shape) for (rows, columns), shape in zip(grids, shapes)])


def _on_grid(rows: int, columns: int, shapes: list[tuple[float, float]]) -> np.ndarray:
    """Return float32 [rows * columns * len(shapes), 4]: every shape around the centre of every cell."""
    scales, ratios = np.array(shapes).T
    half = np.stack([scales / np.sqrt(ratios), scales * np.sqrt(ratios)], axis=-1) / 2
    y, x = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns, indexing="ij")
    centre = np.stack([y, x], axis=-1)[:, :, None]
    return np.concatenate([centre - half, centre + half], axis=-1).reshape(-1, 4).astype(np.float32)
