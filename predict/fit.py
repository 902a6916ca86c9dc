"""Least-squares fits of curve models: many starts at once, inside the model's box.

A model may have more parameters than there are points: then many curves fit alike, and the answer is the one that the
search finds from the model's own starting values. In NumPy alone: importing scipy.optimize takes longer than all fits
of a table together, and a forecast must answer at once.
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

STARTS = 20
ITERATIONS = 150
PATIENCE = 25  # iterations without gain after which the search ends
LEAST_GAIN = 1e-4  # of a sum of squares, relative
FARTHEST = 15.0  # of a parameter's logit: within 3e-7 of the box's edge
ALIKE = 1e-10  # sums of squares that differ by less are equally good: a hundred-thousandth of mAP


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


def least_squares(model: CurveModel, x: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the parameters [P] that minimise sum(weights * (model - values)^2) inside the model's box.

    Levenberg-Marquardt (Marquardt 1963) on the logits of the parameters' places in the box, all starts side by side.
    Of equally good fits the first counts, and the first start is the model's own.
    """
    lower, width = np.array(model.lower, dtype=float), np.subtract(model.upper, model.lower)

    def residuals(logits: np.ndarray) -> np.ndarray:  # [..., P] -> [..., n]
        parameters = lower + width / (1 + np.exp(-logits))
        return np.sqrt(weights) * (model.formula(x, *np.moveaxis(parameters, -1, 0)[..., None]) - values)

    logits = _starts(model, lower, width)
    left = residuals(logits)
    cost, damping, since_gain = np.square(left).sum(1), np.full(STARTS, 1e-2), 0
    for _ in range(ITERATIONS):
        trial = np.clip(logits + _step(residuals, logits, left, damping), -FARTHEST, FARTHEST)
        left_trial = residuals(trial)
        cost_trial = np.square(left_trial).sum(1)
        better = cost_trial < cost
        watched = [0, np.argmin(cost)]
        gain = (cost > ALIKE) & (cost_trial < (1 - LEAST_GAIN) * cost)
        since_gain = 0 if gain[watched].any() else since_gain + 1
        logits, left = np.where(better[:, None], trial, logits), np.where(better[:, None], left_trial, left)
        cost = np.where(better, cost_trial, cost)
        damping = np.clip(np.where(better, damping / 3, damping * 4), 1e-9, 1e9)
        if since_gain == PATIENCE:
            break
    best = logits[np.argmax(cost <= cost.min() + ALIKE)]
    return lower + width / (1 + np.exp(-best))


def _starts(model: CurveModel, lower: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Return logits [STARTS, P]: the model's own start, or the middle of its box, then random ones."""
    logits = np.random.default_rng(0).normal(scale=1.5, size=(STARTS, len(width)))
    place = (np.array(model.start) - lower) / width if model.start else np.full(len(width), 0.5)
    logits[0] = np.log(place / (1 - place))
    return logits


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
