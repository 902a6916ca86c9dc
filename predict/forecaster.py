"""The forecaster: a Bayesian power law with offset, its posterior taken on a grid.

    g(error(n)) = s * [phi + (1 - phi) * (n / n_last)^-c]

c is the speed of learning, phi the share that no data removes, s the level at the largest fitted size; g is the error
itself (M2 of Alabdulmohsin et al. 2022) or its odds, error / (1 - error). Learning curves come in regimes that a few
small subsets cannot tell apart: some bend soon after, some do not. The forecast is therefore a mixture of regimes, each
with c ~ log-normal, phi ~ beta and a discrepancy (how far real curves stray from the formula, smoothly in log n:
Kennedy & O'Hagan 2001, section 4). Its weights follow from the metric alone, because what small subsets look like was
found to say nothing about them. s follows from (c, phi) by generalised least squares, in logarithms, each size weighed
by its error bar and by (n / n_last)^recency, since a curve's start says less about where it goes.
docs/forecast.md says which settings were chosen on which curves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from predict.fit import Fitted, tails
from predict.observations import Observations, require_sizes

GRID = 100  # values of c, and of phi, in every regime
DRAWS = 4000
CORRELATION = 1.0  # e-folds of images over which a curve's discrepancy decays
OUT_OF_REACH = 1000  # times the largest fitted subset: no forecast means anything out there
LEAST_ERROR = 1e-4  # below it the logarithm of an error means nothing
FLAT_NOISE = 0.02  # least standard deviation, in mAP, around a curve that does not rise
FLAT = "flat: the curve does not rise with the number of images"
TWO_SIZES = "two sizes: a rough guess, with intervals that are too narrow"


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
STRAIGHT = Regime(0.5, 0.3, (1, 12), 0.02, odds=True)  # the log odds hardly bend at all
Mixture = Sequence[tuple[float, Regime]]  # regimes with their weights
MIXTURES: Mapping[str, Mixture] = {  # by metric
    "AP": ((0.95, SLOW), (0.05, STRAIGHT)),
    "AP50": ((0.5, BENDING), (0.5, STRAIGHT)),
}
STILL_STRAIGHT = 0.05  # least weight of STRAIGHT, however many boxes there are
OTHERWISE: Mixture = ((0.97, BENDING), (0.03, STRAIGHT))


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
    """The default forecaster ("BW-M2"); the settings are its prior."""

    mixtures: Mapping[str, Mixture] = field(default_factory=lambda: MIXTURES)
    otherwise: Mixture = OTHERWISE
    few_boxes: float = 300.0  # per class, at which a curve is as likely to bend soon as not
    recency: float = 3.0  # weight of a subset is (n_i / n_last) ** recency
    seed: int = 0

    def mixture(self, observations: Observations) -> Mixture:
        """Return the regimes that a curve may follow, by its metric and, where they are known, its boxes per class."""
        *bends, (weight, straight) = self.mixtures.get(observations.metric, self.otherwise)
        if len(observations.boxes_per_class) and np.isfinite(boxes := observations.boxes_per_class[-1]):
            weight = max(STILL_STRAIGHT, 1 / (1 + (boxes / self.few_boxes) ** 3))
        return *((1 - weight, regime) for _, regime in bends), (weight, straight)

    def fit(self, observations: Observations) -> Posterior:
        """Return the posterior given the observations. Raises InputError for fewer than two sizes."""
        require_sizes(observations)
        rng = np.random.default_rng(self.seed)
        if _slope(observations) <= 1e-12:
            return _flat(observations, rng)
        mixture = self.mixture(observations)
        parts = [_sample(regime, observations, self.recency, round(weight * DRAWS), rng) for weight, regime in mixture]
        scale, floor, exponent = (np.concatenate(columns) for columns in zip(*parts))
        odds = np.concatenate([np.full(len(part[0]), regime.odds) for part, (_, regime) in zip(parts, mixture)])
        label = TWO_SIZES if len(observations) == 2 else ""
        return Posterior(observations.images[-1], scale, floor, exponent, odds, label)


def _sample(regime: Regime, observations: Observations, recency: float, count: int,
            rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `count` draws of s, phi and c under one regime, by the posterior on its grid."""
    exponent, floor, log_prior = regime.grid()
    x = observations.images / observations.images[-1]
    level, per_value = _log_level(observations.values, regime.odds)
    left = level - np.log(floor[:, None] + (1 - floor[:, None]) * x ** -exponent[:, None])
    noise = observations.noise * per_value
    log_scale, variance, misfit = _profile(left, x, noise, regime.discrepancy, recency)
    excess = _excess(misfit.min(), len(x))
    rows = _systematic(np.exp(log_prior - 0.5 * (misfit - misfit.min()) / excess), count)
    spread = np.sqrt(excess * variance + noise[-1] ** 2)  # what will be measured has noise of its own
    return np.exp(log_scale[rows] + spread * rng.normal(size=count)), floor[rows], exponent[rows]


def _log_level(values: np.ndarray, odds: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return log g of the errors, and by how much it changes with the value, both float64 [n]."""
    errors = np.clip(1 - values, LEAST_ERROR, 1 - LEAST_ERROR)
    if odds:
        return np.log(errors / (1 - errors)), 1 / (errors * (1 - errors))
    return np.log(errors), 1 / errors


def _profile(left: np.ndarray, x: np.ndarray, noise: np.ndarray, discrepancy: float,
             recency: float) -> tuple[np.ndarray, float, np.ndarray]:
    """Return log s by generalised least squares [G], its variance and the misfit [G] of what is `left` [G, n] for it.

    Each size has noise of its own [n]; the discrepancy is shared by near ones.
    """
    near = np.exp(-np.abs(np.subtract.outer(np.log(x), np.log(x))) / CORRELATION)
    covariance = np.diag(noise**2) + discrepancy**2 * near
    whiten = np.linalg.inv(np.linalg.cholesky(covariance)).T * x[:, None] ** (recency / 2)
    ones = whiten.sum(0)
    precision = ones @ ones
    left = left @ whiten
    log_scale = left @ ones / precision
    return log_scale, 1 / precision, np.square(left - log_scale[:, None] * ones).sum(1)


def _flat(observations: Observations, rng: np.random.Generator) -> Posterior:
    """Answer a constant or falling curve by its level, with the spread it shows and at least FLAT_NOISE."""
    level = np.average(observations.values, weights=observations.noise**-2)
    spread = max(FLAT_NOISE, float(np.sqrt(np.square(observations.values - level).mean())))
    values = np.clip(level + spread * rng.normal(size=DRAWS), 0, 1 - LEAST_ERROR)
    return Posterior(observations.images[-1], 1 - values, np.ones(DRAWS), np.ones(DRAWS), np.zeros(DRAWS, bool), FLAT)


def _slope(observations: Observations) -> float:
    return float(np.polyfit(np.log(observations.images), observations.values, 1)[0])


def _excess(least_misfit: float, sizes: int) -> float:
    """Return the factor by which the noise must exceed the assumed one to explain the best curve's misfit."""
    return max(1.0, float(least_misfit) / max(1, sizes - 2))


def _systematic(weights: np.ndarray, count: int) -> np.ndarray:
    """Return `count` rows in proportion to `weights`, by systematic sampling."""
    places = (np.arange(count) + 0.5) / count * weights.sum()
    return np.minimum(np.searchsorted(np.cumsum(weights), places), len(weights) - 1)
