"""Fitted curves whose every draw is known: straight lines up to a ceiling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from predict.observations import average_repeats
from predict.questions import FittedCurve
from predict.tables import Curve


@dataclass
class Lines:
    """mAP of images n: slope * n / 1000 up to a ceiling, for each of D draws."""

    slope: np.ndarray  # [D]
    ceiling: np.ndarray  # [D]
    label: str = ""

    def draws(self, images):
        return np.minimum(self.slope[:, None] * np.asarray(images) / 1000, self.ceiling[:, None])

    def quantiles(self, images, probabilities):
        return np.quantile(self.draws(images), probabilities, axis=0)

    def images_needed(self, target):
        return np.where(target <= self.ceiling, 1000 * target / self.slope, np.inf)


def lines(slope: Any = 0.1, ceiling: Any = 1.0, sizes=(100, 1000), name="d_ssd", **more) -> FittedCurve:
    """Return a curve measured at `sizes` with mAP 0.1 for every 1,000 images, and draws of other slopes or ceilings."""
    images = np.asarray(sizes, dtype=float)
    known = {"dataset": "d", "detector": name.partition("_")[2]} | more
    curve = Curve(name, images, images / 10_000, np.full(len(images), np.nan), **known)
    slope, ceiling = np.broadcast_arrays(np.asarray(slope, dtype=float), np.asarray(ceiling, dtype=float))
    observed = average_repeats(curve)
    posterior: Any = Lines(np.atleast_1d(slope), np.atleast_1d(ceiling))
    return FittedCurve(curve, observed, observed, posterior)
