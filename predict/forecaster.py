"""The forecaster: a Bayesian mixture of power laws with offset, the posterior of each taken on a grid.

    g(error(n)) = s * [phi + (1 - phi) * (n / n_last)^-c]

c is the speed of learning, phi the share that no data removes, s the level at the largest fitted size; g is the error
itself (M2 of Alabdulmohsin et al. 2022) or its odds, error / (1 - error). Learning curves come in regimes that a few
small subsets cannot tell apart: some bend soon after, some do not. The forecast is therefore a mixture of regimes, each
with c ~ log-normal, phi ~ beta and a discrepancy (how far real curves stray from the formula, smoothly in log n:
Kennedy & O'Hagan 2001, section 4). Its weights follow from the metric and from the boxes per class, because what small
subsets look like was found to say nothing about them. s follows from (c, phi) by generalised least squares, in
logarithms, each size weighed by the noise of a run and by (n / n_last)^recency, since a curve's start says less about
where it goes.
docs/forecast.md says which settings were chosen on which curves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from predict.fit import Fitted, tails
from predict.observations import Observations, require_sizes
from predict.tables import MAP

GRID = 100  # values of c, and of phi, in every regime
DRAWS = 4000
CORRELATION = 1.0  # e-folds of images over which a curve's discrepancy decays
OUT_OF_REACH = 1000  # times the largest fitted subset: no forecast means anything out there
LEAST_ERROR = 1e-4  # below it the logarithm of an error means nothing
FLAT_NOISE = 0.02  # least standard deviation, in mAP, around a curve that does not rise
FLAT = "flat: the curve does not rise with the number of images, so the forecast stays near the mean of its sizes"
FALLING = "flat: the curve falls with the number of images, so the forecast stays near the mean of its sizes"
HARDLY = "hardly rises: by less than its noise, so that the forecast is what is usual of such curves"
DRAWS_TO_RISE = 7  # one in so many draws of a flat curve rises all the same
TWO_SIZES = "two sizes: a rough guess, since nothing shows how far they stray"
TWO_SIZES_EXCESS = 3.0  # by which their covariance is raised for that
LEAST_MISFIT = 0.1  # that is expected of any curve: below it chance decides


@dataclass(frozen=True)
class Regime:
    """A kind of curve: log c ~ Normal(log exponent, spread), phi ~ Beta(*floor)."""

    exponent: float
    spread: float
    floor: tuple[float, float]
    discrepancy: float  # standard deviation of log g around the formula
    odds: bool = False  # whether g is the odds of error

    def grid(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return c, phi and the logarithm of their prior (less a constant) at every node, float64 [GRID^2] each."""
        deviations = np.linspace(-4, 4, GRID)
        shares = (np.arange(GRID) + 0.5) / GRID
        a, b = self.floor
        log_prior = np.add.outer(-0.5 * deviations**2, (a - 1) * np.log(shares) + (b - 1) * np.log1p(-shares))
        return (np.repeat(self.exponent * np.exp(self.spread * deviations), GRID), np.tile(shares, GRID),
                log_prior.ravel())


BENDING = Regime(0.65, 0.4, (2, 1.1), 0.005)  # soon close to its floor
SLOW = Regime(0.1, 0.3, (1, 8), 0.015)  # the error is nearly a power law of small exponent
STRAIGHT = Regime(0.6, 0.4, (1, 12), 0.03, odds=True)  # the log odds hardly bend at all


@dataclass(frozen=True, eq=False)
class Posterior(Fitted):
    """Draws [D] of the curve's parameters."""

    last: float  # images of the largest fitted subset
    scale: np.ndarray  # s
    floor: np.ndarray  # phi
    exponent: np.ndarray  # c
    odds: np.ndarray  # bool: whether s is of the odds of error
    label: str = ""

    def draws(self, images: np.ndarray) -> np.ndarray:
        """Return the mAP at `images` [N] under every draw, float64 [D, N] in [0, 1]."""
        growth = np.log(np.asarray(images, dtype=float) / self.last)
        floor = self.floor[:, None]
        level = self.scale[:, None] * (floor + (1 - floor) * np.exp(-self.exponent[:, None] * growth))
        return 1 - np.where(self.odds[:, None], level / (1 + level), np.minimum(level, 1))

    def quantiles(self, images: np.ndarray, probabilities: Sequence[float]) -> np.ndarray:
        return np.quantile(self.draws(images), probabilities, axis=0)

    def images_needed(self, target: float) -> np.ndarray:
        """Return the images that an mAP of `target` needs under every draw, float64 [D]; inf where none suffice.

        More than OUT_OF_REACH times the images of the largest fitted subset count as inf too.
        """
        level = np.where(self.odds, (1 - target) / max(target, LEAST_ERROR), 1 - target)
        reach = (level / self.scale - self.floor) / (1 - self.floor).clip(1e-12)
        with np.errstate(over="ignore"):
            needed = self.last * np.exp(-np.log(reach.clip(1e-300)) / self.exponent)
        needed[needed > OUT_OF_REACH * self.last] = np.inf
        return needed

    def images_for(self, target: float, level: float = 80) -> tuple[float, float, float]:
        """Return the images needed for an mAP of `target`: low, median and high of the interval; inf is never."""
        low, high = tails(level)
        return tuple(np.quantile(self.images_needed(target), [low, 0.5, high], method="inverted_cdf").tolist())


@dataclass(frozen=True)
class BayesianPowerLaw:
    """The default forecaster; the settings are its prior."""

    bends: Mapping[str, Regime] = field(default_factory=lambda: {"AP": SLOW})  # how curves bend, by metric
    otherwise: Regime = BENDING  # the same of any other metric
    straight: Regime = STRAIGHT  # how they do not
    straight_share: float = 0.04  # probability of that, at least, and where the table does not tell boxes by class
    few_boxes: float = 200.0  # of the median class, at which it is even
    recency: float = 3.0  # weight of a subset is (n_i / n_last) ** recency
    seed: int = 0

    def fit(self, observations: Observations) -> Posterior:
        """Return the posterior given the observations. Raises InputError for fewer than two sizes."""
        require_sizes(observations)
        rng = np.random.default_rng(self.seed)
        mixture = self.mixture(observations)
        slope, error = _slope(observations)
        labels = [FLAT if slope > -error else FALLING] if slope <= 1e-12 else [HARDLY] if slope <= error else []
        label = "; ".join(labels + [TWO_SIZES] * (len(observations) == 2))
        if slope <= 1e-12:
            return replace(_flat(observations, mixture[0][1], rng), label=label)
        parts = [_sample(regime, observations, self.recency, round(weight * DRAWS), rng) for weight, regime in mixture]
        scale, floor, exponent = (np.concatenate(columns) for columns in zip(*parts))
        odds = np.concatenate([np.full(len(part[0]), regime.odds) for part, (_, regime) in zip(parts, mixture)])
        return Posterior(observations.images[-1], scale, floor, exponent, odds, label)

    def mixture(self, observations: Observations) -> tuple[tuple[float, Regime], tuple[float, Regime]]:
        """Return the regimes that a curve may follow with their weights, which add up to 1."""
        share, boxes = self.straight_share, boxes_reached(observations)
        if np.isfinite(boxes):
            share = max(share, 1 / (1 + (boxes / self.few_boxes) ** 3))
        return (1 - share, self.bends.get(observations.metric, self.otherwise)), (share, self.straight)


def boxes_reached(observations: Observations) -> float:
    """Return the boxes of the category (or of the median one) in the largest subset, nan where they are unknown."""
    return float(observations.class_boxes * observations.percent[-1] / 100)


def assumption(observations: Observations) -> str:
    """Say in a sentence what the default takes for granted of a curve, for want of what a table cannot tell."""
    metric = observations.metric
    bend = "slowly, as the mean over IoU .50 to .95 does" if metric == "AP" else "soon, as AP at a single IoU does"
    remedy = "; --metric AP if it is the mean over IoU .50 to .95" if metric == MAP else ""
    known = ", once classes have some hundred boxes" if np.isfinite(observations.class_boxes) else ""
    return f"{metric}: curves are taken to bend {bend}{known}{remedy}"


def _sample(regime: Regime, observations: Observations, recency: float, count: int,
            rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `count` draws of s, phi and c under one regime, by the posterior on its grid."""
    exponent, floor, log_prior = regime.grid()
    x = observations.images / observations.images[-1]
    level, per_value = log_level(observations.values, observations.noise, regime.odds)
    left = level - _log_shapes(regime, tuple(x.tolist()))
    noise, weights = observations.noise * per_value, x ** (recency / 2)
    covariance = covariance_of(x, noise, regime.discrepancy)
    log_scale, variance, misfit = profile(left, covariance, weights)
    excess = excess_of(misfit.min(), x, covariance, weights)
    rows = systematic(np.exp(log_prior - 0.5 * (misfit - misfit.min()) / excess), count)
    spread = np.sqrt(excess * variance + noise[-1] ** 2)  # what will be measured has noise of its own
    return np.exp(log_scale[rows] + spread * rng.normal(size=count)), floor[rows], exponent[rows]


@lru_cache(maxsize=16)
def _log_shapes(regime: Regime, x: tuple[float, ...]) -> np.ndarray:
    """Return log of phi + (1 - phi) x^-c at every node of the regime's grid, float64 [G, n].

    The classes of a detector have their sizes in common, and so these.
    """
    exponent, floor, _ = regime.grid()
    powers = np.repeat(np.asarray(x) ** -exponent[::GRID, None], GRID, axis=0)  # the floor changes from node to node
    return np.log(floor[:, None] + (1 - floor[:, None]) * powers)


def log_level(values: np.ndarray, noise: np.ndarray, odds: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return log g of the errors, and by how much it changes with the value, both float64 [n].

    Values within their noise of 0 or 1 are taken to lie that far from it, at most half-way.
    """
    least = np.minimum(noise, 0.5)
    errors = np.clip(1 - values, least, 1 - least)
    if odds:
        return np.log(errors / (1 - errors)), 1 / (errors * (1 - errors))
    return np.log(errors), 1 / errors


def covariance_of(x: np.ndarray, noise: np.ndarray, discrepancy: float) -> np.ndarray:
    """Return the covariance [n, n] of log g at sizes x [n]: noise [n] of each, a discrepancy that near ones share."""
    near = np.exp(-np.abs(np.subtract.outer(np.log(x), np.log(x))) / CORRELATION)
    return np.diag(noise**2) + discrepancy**2 * near


def profile(left: np.ndarray, covariance: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Return log s by generalised least squares [G], its variance and the misfit [G] of what is `left` [G, n] for it.

    `weights` [n] multiply what is left once the covariance is taken out of it.
    """
    whiten = _whitening(covariance, weights)
    ones = whiten.sum(0)
    precision = ones @ ones
    left = left @ whiten
    log_scale = left @ ones / precision
    left -= log_scale[:, None] * ones
    return log_scale, float(1 / precision), np.einsum("ij,ij->i", left, left)


def excess_of(misfit: float, x: np.ndarray, covariance: np.ndarray, weights: np.ndarray) -> float:
    """Return the factor, at least 1, by which the covariance must exceed the stated one to explain the best misfit.

    What a straight line through errors of that covariance would leave is what is expected. Two sizes leave nothing.
    """
    if len(x) == 2:
        return TWO_SIZES_EXCESS
    whiten = _whitening(covariance, weights)
    line = whiten.T @ np.stack([np.ones_like(x), np.log(x)], axis=1)
    rest = np.eye(len(x)) - line @ np.linalg.pinv(line)
    return max(1.0, float(misfit) / max(LEAST_MISFIT, float(np.trace(rest @ whiten.T @ covariance @ whiten))))


def _whitening(covariance: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return W [n, n] such that errors @ W are independent and of variance 1 but for the weights [n]."""
    return np.linalg.inv(np.linalg.cholesky(covariance)).T * weights[:, None]


def systematic(weights: np.ndarray, count: int) -> np.ndarray:
    """Return `count` rows in proportion to `weights`, by systematic sampling."""
    places = (np.arange(count) + 0.5) / max(count, 1) * weights.sum()
    return np.minimum(np.searchsorted(np.cumsum(weights), places), len(weights) - 1)


def _slope(observations: Observations) -> tuple[float, float]:
    """Return the rise of the mAP per e-fold of images by least squares, and its standard error by the stated noise."""
    growth = np.log(observations.images) - np.log(observations.images).mean()
    squares = np.square(growth).sum()
    return (float(growth @ observations.values / squares),
            float(np.sqrt(np.square(growth) @ np.square(observations.noise)) / squares))


def _flat(observations: Observations, regime: Regime, rng: np.random.Generator) -> Posterior:
    """Answer a curve that does not rise by its level, FLAT_NOISE or more wide; some draws rise as the regime has it."""
    level = np.average(observations.values, weights=observations.noise**-2)
    spread = max(FLAT_NOISE, float(np.sqrt(np.square(observations.values - level).mean())))
    half = spread * rng.normal(size=DRAWS // 2)
    values = np.clip(level + np.concatenate([half, -half]), 0, 1 - LEAST_ERROR)
    rising = np.arange(DRAWS) % DRAWS_TO_RISE == 0
    exponent = np.where(rising, regime.exponent * np.exp(regime.spread * rng.normal(size=DRAWS)), 1)
    floor = np.where(rising, rng.beta(*regime.floor, size=DRAWS), 1)
    return Posterior(observations.images[-1], 1 - values, floor, exponent, np.zeros(DRAWS, bool))
