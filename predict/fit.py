"""Least-squares fits of curve models: many starts at once, inside the model's box.

In NumPy alone: importing scipy.optimize takes longer than all fits of a table together, and a forecast must answer
at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from predict.models import CurveModel
from predict.observations import Observations, require_sizes

if TYPE_CHECKING:
    import pandas

STARTS = 16
ITERATIONS = 100
FARTHEST = 15.0  # of a parameter's logit: within 3e-7 of the box's edge
STUDY_EPSILON = 3  # images, inside the logarithm of 2019


class Fitted(ABC):
    """A curve that was fitted: a median, with intervals where the method has them."""

    label: str = ""  # what a reader must know about this answer

    @abstractmethod
    def quantiles(self, images: np.ndarray, probabilities: Sequence[float]) -> np.ndarray:
        """Return the quantiles of the mAP expected at `images` [N], float64 [P, N]; nan where there are none."""

    def predict(self, images: Sequence[float] | np.ndarray, level: Sequence[int] = (80, 95)) -> pandas.DataFrame:
        """Return images, median and, per level in per cent, lo-<level> and hi-<level>."""
        import pandas

        images = np.asarray(images, dtype=float)
        table = {"images": images, "median": self.quantiles(images, [0.5])[0]}
        for each in level:
            table[f"lo-{each}"], table[f"hi-{each}"] = self.quantiles(images, tails(each))
        return pandas.DataFrame(table)


@dataclass(frozen=True)
class PointFit(Fitted):
    """A fitted curve without error bars."""

    curve: Callable[[np.ndarray], np.ndarray]  # images [N] -> mAP [N]

    def quantiles(self, images: np.ndarray, probabilities: Sequence[float]) -> np.ndarray:
        median = np.clip(self.curve(np.asarray(images, dtype=float)), 0, 1)
        return np.array([median if p == 0.5 else np.full_like(median, np.nan) for p in probabilities])


def tails(level: float) -> tuple[float, float]:
    """Return the two probabilities between which a central interval of `level` per cent lies."""
    return 0.5 - level / 200, 0.5 + level / 200


def fit_model(model: CurveModel, observations: Observations) -> PointFit:
    """Fit a curve model by least squares. Raises InputError for fewer than two sizes."""
    require_sizes(observations)
    last = observations.images[-1]
    x = observations.images / last
    parameters = least_squares(model, x, observations.values, x**model.weight_power)
    return PointFit(lambda images: model.formula(images / last, *parameters))


def fit_study_logarithm(observations: Observations) -> PointFit:
    """Fit the 2019 study's choice by its own rule: a + b ln(images + 3) through an added row of 0 images and 0 mAP."""
    require_sizes(observations)
    images, values = np.append(0.0, observations.images), np.append(0.0, observations.values)
    slope, start = np.polyfit(np.log(images + STUDY_EPSILON), values, 1)
    return PointFit(lambda images: start + slope * np.log(images + STUDY_EPSILON))


def least_squares(model: CurveModel, x: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the parameters [P] that minimise sum(weights * (model - values)^2) inside the model's box.

    Levenberg-Marquardt (Marquardt 1963) on the logits of the parameters' places in the box, all starts side by side.
    """
    lower, width = np.array(model.lower), np.subtract(model.upper, model.lower)

    def residuals(logits: np.ndarray) -> np.ndarray:  # [..., P] -> [..., n]
        parameters = lower + width / (1 + np.exp(-logits))
        return np.sqrt(weights) * (model.formula(x, *np.moveaxis(parameters, -1, 0)[..., None]) - values)

    logits = np.random.default_rng(0).normal(scale=1.5, size=(STARTS, len(width)))
    left = residuals(logits)
    damping = np.full(STARTS, 1e-2)
    for _ in range(ITERATIONS):
        trial = np.clip(logits + _step(residuals, logits, left, damping), -FARTHEST, FARTHEST)
        left_trial = residuals(trial)
        better = np.square(left_trial).sum(1) < np.square(left).sum(1)
        logits, left = np.where(better[:, None], trial, logits), np.where(better[:, None], left_trial, left)
        damping = np.clip(np.where(better, damping / 3, damping * 4), 1e-9, 1e9)
    best = logits[np.argmin(np.square(left).sum(1))]
    return lower + width / (1 + np.exp(-best))


def _step(residuals: Callable[[np.ndarray], np.ndarray], logits: np.ndarray, left: np.ndarray,
          damping: np.ndarray) -> np.ndarray:
    """Return the damped Gauss-Newton step [S, P] from `logits` [S, P] with residuals `left` [S, n]."""
    nudge = 1e-6
    count = logits.shape[1]
    nudged = residuals(logits[:, None, :] + nudge * np.eye(count))  # [S, P, n]
    jacobian = (nudged - left[:, None, :]) / nudge
    normal = np.einsum("spn,sqn->spq", jacobian, jacobian)
    diagonal = np.einsum("spp->sp", normal)
    ridge = damping[:, None] * diagonal + 1e-12
    gradient = np.einsum("spn,sn->sp", jacobian, left)
    return -np.linalg.solve(normal + ridge[:, :, None] * np.eye(count), gradient[..., None])[..., 0]
