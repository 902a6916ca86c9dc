"""Power laws: error = alpha * n^-beta, a straight line in logarithms, with the exponent's interval.

After Hestness et al. 2017, "Deep Learning Scaling is Predictable, Empirically" (arXiv:1712.00409), who found that the
task sets beta and a better model lowers alpha alone. An error is 1 - AP or a validation loss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
STRAIGHT = 4  # sizes from which a bend can be told from scatter
LEAST_VARIANCE = 1e-24  # of a logarithm, where points lie exactly on a line
HALVINGS = 50


@dataclass(frozen=True, eq=False)
class Errors:
    """One detector's error on one data set: n sizes, rising, each with the mean of its runs."""

    dataset: str
    detector: str
    quantity: str  # "1 - AP", "loss"
    images: np.ndarray  # float64 [n]
    values: np.ndarray  # float64 [n], positive
    stderr: np.ndarray  # float64 [n] of the values, nan where unknown
    interval_80: np.ndarray  # float64 [n, 2] of the values, nan where unknown
    left_out: tuple[str, ...] = ()  # sizes that no power law can hold, and why

    def __len__(self) -> int:
        return len(self.images)

    @property
    def log_stderr(self) -> np.ndarray:
        """Standard errors of the logarithms by the delta method, float64 [n]; 0 where some size has none."""
        known = np.isfinite(self.stderr) & (self.stderr > 0)
        return self.stderr / self.values if known.all() else np.zeros(len(self))


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval, nan where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PowerLaw:
    """A fitted error = alpha * images^-beta."""

    alpha: float
    beta: Estimate
    scatter: float  # standard deviation of the logarithms about the line, nan for two sizes
    bend: float  # p value of a curvature: small where the points lie on no straight line; nan for three sizes or fewer

    def at(self, images: np.ndarray) -> np.ndarray:
        return self.alpha * images**-self.beta.value


@dataclass(frozen=True)
class ExponentTest:
    """Whether one exponent does for every detector of a data set."""

    common: Estimate  # the exponent where each detector has only an offset of its own
    differences: dict[tuple[str, str], Estimate]  # one detector's exponent minus the other's
    f: float
    freedom: tuple[int, int]  # of the F distribution; (.., 0) where nothing can be told
    p: float  # nan where nothing can be told


@dataclass(frozen=True, eq=False)
class _Line:
    coefficients: np.ndarray  # float64 [p]
    covariance: np.ndarray  # float64 [p, p]
    variances: np.ndarray  # float64 [n] of the points: error bars and scatter together
    misfit: float  # chi squared
    freedom: int


def fit_power_law(errors: Errors) -> PowerLaw | None:
    """Return the power law through two sizes or more, None for fewer.

    The interval is the t interval of a line whose points scatter by more than their error bars say: for two sizes
    there is none.
    """
    if len(errors) < 2:
        return None
    x, y = np.log(errors.images), np.log(errors.values)
    centre = x.mean()
    line = _fit(np.stack([np.ones_like(x), x - centre], axis=1), y, errors.log_stderr)
    start, slope = line.coefficients
    residuals = y - start - slope * (x - centre)
    scatter = math.sqrt(np.square(residuals).sum() / line.freedom) if line.freedom else math.nan
    return PowerLaw(math.exp(start - slope * centre), _estimate(line, 1, -1), scatter, _bend(x - centre, y, errors))


def compare_exponents(errors: Sequence[Errors]) -> ExponentTest:
    """Compare the exponents of two or more detectors on one data set, each of two sizes or more.

    All detectors learn from the same subsets and answer the same validation images, and their curves bend alike. So a
    difference is the slope of the ratio of two detectors' errors at the sizes that they share, and the F test asks
    what slopes of their own explain once every size has an effect that is the same for all: with two detectors both
    say the same. Error bars play no part in either: most of what they hold comes from the validation images, moves all
    detectors alike and falls out of the ratio, so that the scatter of the ratios is the measure.
    """
    rows = np.concatenate([np.full(len(e), k) for k, e in enumerate(errors)])
    x = np.log(np.concatenate([e.images for e in errors]))
    y = np.log(np.concatenate([e.values for e in errors]))
    stderr = np.concatenate([e.log_stderr for e in errors])
    x -= x.mean()
    offsets = (rows[:, None] == np.arange(len(errors))).astype(float)
    common = _estimate(_fit(np.column_stack([offsets, x]), y, stderr), -1, -1)
    sizes = (x[:, None] == np.unique(x)).astype(float)
    shared = np.column_stack([offsets, sizes])
    f, freedom, p = _f_test(shared, np.column_stack([shared, offsets * x[:, None]]), y, np.zeros_like(y))
    pairs = [(one, other) for i, one in enumerate(errors) for other in errors[i + 1:]]
    return ExponentTest(common, {(a.detector, b.detector): _difference(a, b) for a, b in pairs}, f, freedom, p)


def _difference(one: Errors, other: Errors) -> Estimate:
    images, i, j = np.intersect1d(one.images, other.images, return_indices=True)
    if len(images) < 2:
        return Estimate(math.nan, math.nan, math.nan)
    x = np.log(images)
    ratio = np.log(one.values[i] / other.values[j])
    return _estimate(_fit(np.stack([np.ones_like(x), x - x.mean()], axis=1), ratio, np.zeros_like(x)), 1, -1)


def _fit(design: np.ndarray, y: np.ndarray, stderr: np.ndarray) -> _Line:
    """Fit y [n] by the columns of `design` [n, p], with error bars [n] and a scatter of unknown size beside them.

    Weights are 1 / (stderr^2 + scatter^2); without error bars this is the ordinary fit and its covariance.
    """
    freedom = len(y) - int(np.linalg.matrix_rank(design))
    variances = np.maximum(stderr**2 + _scatter(design, y, stderr, freedom), LEAST_VARIANCE)
    inverse = np.linalg.pinv(design / np.sqrt(variances)[:, None])
    misfit = _misfit(design, y, variances)
    return _Line(inverse @ (y / np.sqrt(variances)), inverse @ inverse.T, variances, misfit, freedom)


def _scatter(design: np.ndarray, y: np.ndarray, stderr: np.ndarray, freedom: int) -> float:
    """Return the variance, beside the error bars, that brings chi squared to its degrees of freedom.

    R. Paule and J. Mandel, "Consensus values and weighting factors", J. Res. NBS 87 (1982) 377.
    """
    if freedom == 0 or _misfit(design, y, stderr**2) <= freedom:
        return 0.0
    low, high = 0.0, _misfit(design, y, np.ones_like(y)) / freedom  # chi squared is at most its freedom there
    for _ in range(HALVINGS if stderr.any() else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if _misfit(design, y, stderr**2 + middle) > freedom else (low, middle)
    return high


def _misfit(design: np.ndarray, y: np.ndarray, variances: np.ndarray) -> float:
    """Return chi squared of the fit with these variances [n]."""
    deviations = np.sqrt(np.maximum(variances, LEAST_VARIANCE))
    weighted = design / deviations[:, None]
    residuals = y / deviations - weighted @ np.linalg.lstsq(weighted, y / deviations, rcond=None)[0]
    return float(np.square(residuals).sum())


def _estimate(line: _Line, column: int, sign: int = 1) -> Estimate:
    """Return a coefficient times `sign` with its t interval."""
    from scipy.special import stdtrit

    value = sign * float(line.coefficients[column])
    if line.freedom == 0:
        return Estimate(value, math.nan, math.nan)
    half = float(stdtrit(line.freedom, (1 + CONFIDENCE) / 2)) * math.sqrt(line.covariance[column, column])
    return Estimate(value, value - half, value + half)


def _bend(x: np.ndarray, y: np.ndarray, errors: Errors) -> float:
    """Return the p value of a quadratic term."""
    if len(errors) < STRAIGHT:
        return math.nan
    straight = np.stack([np.ones_like(x), x], axis=1)
    return _f_test(straight, np.column_stack([straight, x**2]), y, errors.log_stderr)[2]


def _f_test(small: np.ndarray, large: np.ndarray, y: np.ndarray,
            stderr: np.ndarray) -> tuple[float, tuple[int, int], float]:
    """Return F, its degrees of freedom and p: does the design `large` explain more than `small`, a part of it?

    The scatter is that about the larger model; where error bars explain that scatter, they are the measure.
    """
    from scipy.special import fdtrc

    full = _fit(large, y, stderr)
    added = int(np.linalg.matrix_rank(large) - np.linalg.matrix_rank(small))
    if full.freedom == 0 or added == 0:
        return math.nan, (added, 0), math.nan
    f = max(0.0, _misfit(small, y, full.variances) - full.misfit) / added
    return f, (added, full.freedom), float(fdtrc(added, full.freedom, f))
