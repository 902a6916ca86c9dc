"""What users ask of a learning curve: how many images for a target, and what more images bring.

Every answer keeps the forecaster's draws: row d of all of them is one curve, so that a difference between two sizes is
known better than either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from datasets.errors import InputError
from predict.backtest import DEFAULT, FORECASTERS
from predict.fit import tails
from predict.forecaster import Posterior
from predict.observations import Observations, average_repeats
from predict.sizes import early_sizes
from predict.tables import LOSS, Curve

LEVELS = (80, 95)  # per cent, of the intervals
REACHABLE = 0.5  # least share of draws that reach a target that is called reachable
LABELS = ("name", "dataset", "detector", "recipe", "category", "metric")


@dataclass(frozen=True, eq=False)
class FittedCurve:
    """A learning curve, and the default forecast from its subsets up to some share."""

    curve: Curve
    observed: Observations  # every size
    fitted: Observations  # those that the posterior knows
    posterior: Posterior

    @property
    def last(self) -> float:
        """The images of the largest fitted subset."""
        return float(self.fitted.images[-1])

    @property
    def boxes_per_image(self) -> float:
        """The boxes of an image in the largest fitted subset, nan where the table has none."""
        return boxes_per_image(self.curve, self.last)


@dataclass(frozen=True, eq=False)
class Need:
    """The images that a curve needs for an mAP in [0, 1]."""

    curve: FittedCurve
    target: float
    draws: np.ndarray  # float64 [D], rising; inf where no number of images suffices

    @property
    def chance(self) -> float:
        """The share of draws that reach the target at all."""
        return float(np.isfinite(self.draws).mean())

    @property
    def measured(self) -> float:
        """The images from which on every measured size has reached the target, nan where the largest has not."""
        observed = self.curve.observed
        below = np.flatnonzero(observed.values < self.target)
        first = below[-1] + 1 if below.size else 0
        return float(observed.images[first]) if first < len(observed) else math.nan

    @property
    def answer(self) -> str:
        """One of "reached", by a fitted subset, "reachable" and "not reachable"."""
        if self.measured <= self.curve.last:
            return "reached"
        return "reachable" if self.chance >= REACHABLE else "not reachable"

    def images(self, probability: float = 0.5) -> float:
        """Return the images that suffice with a probability; inf is never."""
        return float(np.quantile(self.draws, probability, method="inverted_cdf"))

    def interval(self, level: float) -> tuple[float, float]:
        """Return the central interval of `level` per cent."""
        low, high = map(self.images, tails(level))
        return low, high

    def chance_by(self, images: np.ndarray) -> np.ndarray:
        """Return the share of draws that have reached the target with `images` [N], float64 [N]."""
        return np.searchsorted(self.draws, images, side="right") / len(self.draws)

    def row(self) -> dict[str, Any]:
        """Return this answer as a row of target.csv."""
        intervals = {level: self.interval(level) for level in LEVELS}
        per_image = self.curve.boxes_per_image
        boxes = {"boxes": self.images() * per_image} | sides("boxes_", {80: [n * per_image for n in intervals[80]]})
        return (labels(self.curve.curve) | {"target": self.target, "answer": self.answer, "images": self.images()}
                | sides("", intervals) | boxes | {"chance": self.chance, "measured_at": self.measured}
                | basis(self.curve))


@dataclass(frozen=True, eq=False)
class Gain:
    """What more images bring a curve, in mAP."""

    curve: FittedCurve
    start: float  # images
    more: float  # images
    before: np.ndarray  # float64 [D], mAP at `start`
    draws: np.ndarray  # float64 [D], mAP at `start + more` less that

    @property
    def median(self) -> float:
        return float(np.median(self.draws))

    @property
    def after(self) -> np.ndarray:
        """The mAP with the additional images, float64 [D]."""
        return self.before + self.draws

    @property
    def per_thousand(self) -> float:
        """The median gain for every 1,000 of the images."""
        return 1000 * self.median / self.more

    def interval(self, level: float) -> tuple[float, float]:
        """Return the central interval of `level` per cent."""
        return interval(self.draws, level)

    def row(self) -> dict[str, Any]:
        """Return this answer as a row of gain.csv."""
        intervals = {level: self.interval(level) for level in LEVELS}
        return (labels(self.curve.curve) | {"from": self.start, "more": self.more,
                                            "before": float(np.median(self.before)), "gain": self.median}
                | sides("", intervals) | {"per_1000": self.per_thousand} | basis(self.curve))


def fit_curve(curve: Curve, fit_up_to: float = 100) -> FittedCurve:
    """Fit the default forecaster on the subsets of at most `fit_up_to` per cent.

    Raises InputError for fewer than two sizes up to there, and for a loss, which is no mAP.
    """
    if curve.metric == LOSS:
        raise InputError(f"{curve.name}: a loss has no mAP to reach; name a metric such as AP or AP50 (--metric)")
    observed = average_repeats(curve)
    fitted = early_sizes(observed, fit_up_to)
    return FittedCurve(curve, observed, fitted, cast(Posterior, FORECASTERS[DEFAULT](fitted)))


def images_for(curve: FittedCurve, target: float) -> Need:
    """Return the images that `curve` needs for an mAP of `target`, in (0, 1].

    Where a fitted subset has reached it, what was measured is the answer. Where none has, no draw says that the largest
    one or fewer images do.
    """
    need = Need(curve, target, np.sort(np.maximum(curve.posterior.images_needed(target), curve.last)))
    if need.answer == "reached":
        return replace(need, draws=np.full_like(need.draws, need.measured))
    return need


def gains(curve: FittedCurve, more: Sequence[float], start: float | None = None) -> list[Gain]:
    """Return what each of `more` images brings beyond `start`, or the largest fitted subset."""
    start = curve.last if start is None else start
    before, *after = curve.posterior.draws(start + np.array([0.0, *more])).T
    return [Gain(curve, start, images, before, values - before) for images, values in zip(more, after)]


def boxes_per_image(curve: Curve, images: float) -> float:
    """Return the mean boxes of an image over the runs of one size, nan where the table has none."""
    boxes = curve.boxes[curve.images == images] if len(curve.boxes) else np.empty(0)
    known = boxes[np.isfinite(boxes)]
    return float(known.mean() / images) if known.size else math.nan


def interval(draws: np.ndarray, level: float) -> tuple[float, float]:
    """Return the central interval of `level` per cent of `draws` [D], which are finite."""
    low, high = np.quantile(draws, tails(level)).tolist()
    return low, high


def shares_of_best(draws: np.ndarray) -> np.ndarray:
    """Return how often each row of `draws` [K, D] is the largest, float64 [K]; -inf never is, and ties are shared.

    The rows are shuffled first: draws of two curves have nothing to do with each other, whatever their order.
    """
    shuffled = np.random.default_rng(0).permuted(draws, axis=1)
    best = (shuffled == shuffled.max(axis=0)) & (shuffled > -np.inf)
    return (best / np.maximum(best.sum(axis=0), 1)).mean(axis=1)


def labels(curve: Curve) -> dict[str, Any]:
    """Return what tells a curve from others, as the first columns of a row."""
    return {"curve" if name == "name" else "class" if name == "category" else name: getattr(curve, name)
            for name in LABELS}


def basis(curve: FittedCurve) -> dict[str, Any]:
    """Return what a forecast rests on, as the last columns of a row."""
    return {"fitted_sizes": len(curve.fitted), "largest_fitted": curve.last, "label": curve.posterior.label}


def sides(prefix: str, intervals: Mapping[int, Sequence[float]]) -> dict[str, float]:
    """Return intervals as columns: lo-80, hi-80, ..."""
    return {f"{prefix}{side}-{level}": value for level, values in intervals.items()
            for side, value in zip(("lo", "hi"), values)}
