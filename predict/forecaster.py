"""The forecaster: a Bayesian power law with offset, its posterior taken on a grid.

    error(n) = s * [phi + (1 - phi) * (n / n_last)^-c]

c is the speed of learning, phi the share of the error at the largest fitted size that no data removes, s that error.
Priors: log c ~ Normal(log 0.5, 0.5), phi ~ Uniform(0, 1); s follows from each (c, phi) by least squares. Errors are
compared in their logarithms, each weighed by its error bar and by (n_i / n_last)^2, since a curve's start says less
about where it goes. The settings were chosen on the four published curves of 2019 fitted on three subsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predict.fit import Fitted, tails
from predict.observations import Observations, require_sizes

GRID = 160  # values of c, and of phi
DRAWS = 4000
OUT_OF_REACH = 1000  # times the largest fitted subset: no forecast means anything out there
LEAST_ERROR = 1e-4  # below it the logarithm of an error means nothing
FLAT_NOISE = 0.02  # least standard deviation, in mAP, around a curve that does not rise
FLAT = "flat: the curve does not rise with the number of images"


@dataclass(frozen=True, eq=False)
class Posterior(Fitted):
    """Draws [D] of the curve's parameters."""

    last: float  # images of the largest fitted subset
    error: np.ndarray  # s
    floor: np.ndarray  # phi
    exponent: np.ndarray  # c
    label: str = ""

    def draws(self, images: np.ndarray) -> np.ndarray:
        """Return the mAP expected at `images` [N] under every draw, float64 [D, N] in [0, 1]."""
        growth = np.log(np.asarray(images, dtype=float) / self.last)
        floor = self.floor[:, None]
        errors = self.error[:, None] * (floor + (1 - floor) * np.exp(-self.exponent[:, None] * growth))
        return 1 - np.minimum(errors, 1)

    def quantiles(self, images: np.ndarray, probabilities: Sequence[float]) -> np.ndarray:
        return np.quantile(self.draws(images), probabilities, axis=0)

    def images_needed(self, target: float) -> np.ndarray:
        """Return the images that an mAP of `target` needs under every draw, float64 [D]; inf where none suffice.

        More than OUT_OF_REACH times the images of the largest fitted subset count as inf too.
        """
        reach = ((1 - target) / self.error - self.floor) / (1 - self.floor).clip(1e-12)
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

    exponent: float = 0.5  # prior median of c
    exponent_spread: float = 0.5  # prior standard deviation of log c
    recency: float = 2.0  # weight of a subset is (n_i / n_last) ** recency
    seed: int = 0

    def fit(self, observations: Observations) -> Posterior:
        """Return the posterior given the observations. Raises InputError for fewer than two sizes."""
        require_sizes(observations)
        if _slope(observations) <= 1e-12:
            return self._flat(observations)
        exponents, floors = self._grid()
        x = observations.images / observations.images[-1]
        errors = np.maximum(1 - observations.values, LEAST_ERROR)
        precision = x**self.recency / np.square(observations.noise / errors)
        shape = np.log(floors[:, None] + (1 - floors[:, None]) * x ** -exponents[:, None])  # [G, n]
        log_error = (np.log(errors) - shape) @ precision / precision.sum()  # s profiled out, [G]
        misfit = np.square(np.log(errors) - shape - log_error[:, None]) @ precision
        excess = _excess(misfit.min(), len(x))
        score = -0.5 * misfit / excess - 0.5 * np.square(np.log(exponents / self.exponent) / self.exponent_spread)
        rows = _systematic(np.exp(score - score.max()))
        spread = np.sqrt(excess / precision.sum())
        error = np.exp(log_error[rows] + spread * self._normals())
        return Posterior(observations.images[-1], error, floors[rows], exponents[rows])

    def _grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Return c and phi at every node, [GRID^2] each: c to four prior deviations, phi over (0, 1)."""
        exponents = self.exponent * np.exp(self.exponent_spread * np.linspace(-4, 4, GRID))
        floors = (np.arange(GRID) + 0.5) / GRID
        return np.repeat(exponents, GRID), np.tile(floors, GRID)

    def _normals(self) -> np.ndarray:
        return np.random.default_rng(self.seed).normal(size=DRAWS)

    def _flat(self, observations: Observations) -> Posterior:
        """Answer a constant or falling curve by its level, with the spread it shows and at least FLAT_NOISE."""
        level = np.average(observations.values, weights=observations.noise**-2)
        spread = max(FLAT_NOISE, float(np.sqrt(np.square(observations.values - level).mean())))
        values = np.clip(level + spread * self._normals(), 0, 1 - LEAST_ERROR)
        return Posterior(observations.images[-1], 1 - values, np.ones(DRAWS), np.ones(DRAWS), FLAT)


def _slope(observations: Observations) -> float:
    return float(np.polyfit(np.log(observations.images), observations.values, 1)[0])


def _excess(least_misfit: float, sizes: int) -> float:
    """Return the factor by which the noise must exceed the assumed one to explain the best curve's misfit."""
    return max(1.0, least_misfit / max(1, sizes - 2))


def _systematic(weights: np.ndarray) -> np.ndarray:
    """Return DRAWS rows in proportion to `weights`, by systematic sampling."""
    places = (np.arange(DRAWS) + 0.5) / DRAWS * weights.sum()
    return np.minimum(np.searchsorted(np.cumsum(weights), places), len(weights) - 1)
