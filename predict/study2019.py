"""The curve models of the 2019 study, fitted by its own rule.

The study is "Quantifying Diminishing Returns of Annotated Data" (allegro.ai, 2019-09-23). Its formulas and its rule
are those of predict_diminishing_returns.ipynb in GalAllegroAi/QuantifyDiminishingReturns: SciPy's least squares
without bounds, from the same four starting values for every formula (those that it does not use stay where they are),
over the small subsets and a row of 0 images and 0 mAP that nobody measured. n is a number of images, w the weights.

Mended here: poly-log, whose arguments are in the wrong order there, so that it cannot run; and the weights inside a
logarithm count by their size, since with a negative one poly-log has no value at the large subsets of three of the
four published curves. (The other model with such a weight, multi-log, is fitted alike with and without.)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from predict.fit import PointFit
from predict.observations import Observations, require_sizes

EPSILON = 3  # images, inside logarithms and the Pareto distributions; the study's choice
START = (0.4, 0.01, 0.4, 0.1)  # the study's starting values
Formula = Callable[[np.ndarray, np.ndarray], np.ndarray]  # weights [4], images [N] -> mAP [N]


def arm(w: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Asymptotic regression model: w2 - w0 exp(-w1 n)."""
    return w[2] - w[0] * np.exp(-w[1] * n)


def logarithm(w: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Logarithmic: w0 ln(n + 3) + w1. The study's choice."""
    return w[0] * np.log(n + EPSILON) + w[1]


def log_log(w: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Log-log: w0 ln ln(n + 3) + w1."""
    return w[0] * np.log(np.log(n + EPSILON)) + w[1]


def log_log_log(w: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Log-log-log: w0 ln ln ln(n + 3) + w1; 3 is the least whole number for which it exists at 0 images."""
    return w[0] * np.log(np.log(np.log(n + EPSILON))) + w[1]


def pareto(w: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Pareto CDF: 1 - (n + 3)^-w0."""
    return 1 - (1 / (n + EPSILON)) ** w[0]


def generalised_pareto(w: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Generalised Pareto: w0 - w1 (n + 3)^-w2.

    It degenerates: the search follows w0 and w1 towards infinity and w2 towards 0, where the formula is the logarithm,
    and is stopped by the limit on its evaluations.
    """
    return w[0] - w[1] * (1 / (n + EPSILON)) ** w[2]


def multi_log(w: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Multi-log: w1 [ln(|w0| n + 3) + ln ln(|w0| n + 3)]."""
    inner = np.log(EPSILON + np.abs(w[0]) * n)
    return w[1] * (inner + np.log(inner))


def poly_log(w: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Poly-log, mended: w1 ln(|w0| n + 3) + w3 ln(|w2| n + 3)."""
    return w[1] * np.log(EPSILON + np.abs(w[0]) * n) + w[3] * np.log(EPSILON + np.abs(w[2]) * n)


FORMULAS: dict[str, Formula] = {
    "ARM": arm, "logarithm": logarithm, "log-log": log_log, "log-log-log": log_log_log, "Pareto": pareto,
    "generalised Pareto": generalised_pareto, "multi-log": multi_log, "poly-log": poly_log,
}


def fit_study(formula: Formula, observations: Observations) -> PointFit:
    """Fit one of the study's formulas by its rule. Raises InputError for fewer than two sizes."""
    from scipy.optimize import least_squares

    images, values = _with_invented_row(observations)
    with np.errstate(all="ignore"):  # on its way the search tries curves that overflow, and turns back
        weights = least_squares(lambda w: formula(w, images) - values, START).x
    return PointFit(partial(_quietly, formula, weights))


def fit_study_logarithm(observations: Observations) -> PointFit:
    """Fit the study's choice, the logarithm, by its rule. Raises InputError for fewer than two sizes.

    A straight line in ln(n + 3) needs no search, and importing SciPy's takes longer than all else in a forecast.
    """
    images, values = _with_invented_row(observations)
    slope, level = np.polyfit(np.log(images + EPSILON), values, 1)
    return PointFit(partial(logarithm, np.array([slope, level])))


STUDY_MODELS: dict[str, Callable[[Observations], PointFit]] = {
    f"study's {name}": fit_study_logarithm if formula is logarithm else partial(fit_study, formula)
    for name, formula in FORMULAS.items()
}


def study_r_squared(fit: PointFit, observations: Observations) -> float:
    """Return R^2 as the study reports it: over fitted subsets, held-out ones and the invented row together.

    The study's own figure, and no evidence of anything: the invented row alone makes most of the variance, and a curve
    that misses 100 % by ten points still has one above 0.6. nan for a constant curve of zeros.
    """
    images, values = _with_invented_row(observations)
    spread = np.square(values - values.mean()).sum()
    return 1 - float(np.square(values - fit.curve(images)).sum() / spread) if spread else float("nan")


def _with_invented_row(observations: Observations) -> tuple[np.ndarray, np.ndarray]:
    require_sizes(observations)
    return np.append(0.0, observations.images), np.append(0.0, observations.values)


def _quietly(formula: Formula, weights: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return the curve where it may leave every bound; what overflows is cut off like the rest."""
    with np.errstate(all="ignore"):
        return formula(weights, images)
