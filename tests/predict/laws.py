"""Curves made from a known law."""

from __future__ import annotations

import numpy as np

from predict.observations import Observations, average_repeats
from predict.tables import Curve


def observe(images, values, stderr=None, name="curve") -> Observations:
    images = np.asarray(images, dtype=float)
    errors = np.full(len(images), np.nan) if stderr is None else np.asarray(stderr, dtype=float)
    return average_repeats(Curve(name, images, np.asarray(values, dtype=float), errors))


def law(images, error=0.6, floor=0.4, exponent=0.5, last=1000.0):
    return 1 - error * (floor + (1 - floor) * (np.asarray(images, dtype=float) / last) ** -exponent)
