"""Curve models: one function per formula, x = images / images of the largest fitted subset.

In x every parameter is of order one and no power can overflow, and a change of the unit of size changes nothing.
A new model is a function here and a line in `MODELS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CurveModel:
    """A formula `f(x, *parameters)` that broadcasts, with the box its parameters are looked for in."""

    name: str
    formula: Callable[..., np.ndarray]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    weight_power: float = 0.0  # squared residuals are weighed by x ** weight_power


def logarithm(x: np.ndarray, last: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """The value `last` at x = 1, `gain` more for every e-fold of images."""
    return last + gain * np.log(x)


def power_law(x: np.ndarray, error: np.ndarray, floor: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Power law with offset: 1 - error * (floor + (1 - floor) x^-exponent).

    M2 in Alabdulmohsin et al. 2022 (arXiv 2209.06640); pow3 in Domhan et al. 2015. `error` is the error at x = 1,
    `floor` the share of it that no data removes.
    """
    return 1 - error * (floor + (1 - floor) * x**-exponent)


def hill(x: np.ndarray, top: np.ndarray, reached: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Morgan-Mercer-Flodin (Hill) through the origin: top / (1 + (1 - reached) / reached * x^-slope).

    MMF in Domhan et al. 2015. `reached` is the share of `top` reached at x = 1.
    """
    return top / (1 + (1 - reached) / reached * x**-slope)


def m4(x: np.ndarray, top: np.ndarray, reached: np.ndarray, delay: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """M4 of Alabdulmohsin et al. 2022, with no skill at zero images: (top - m) / m^delay = B x^-exponent.

    `reached` = m(1) / top fixes B. Solved for the logit of m / top, in which the left side falls, by bisection.
    """
    log_ratio = np.log1p(-reached) - delay * np.log(reached) - exponent * np.log(x)
    low = np.full(np.shape(log_ratio), -40.0)
    high = -low
    for _ in range(40):
        middle = (low + high) / 2
        # log(1 - p) - delay * log(p) at p = 1 / (1 + exp(-middle))
        too_high = delay * np.logaddexp(0, -middle) - np.logaddexp(0, middle) < log_ratio
        low, high = np.where(too_high, low, middle), np.where(too_high, middle, high)
    return top / (1 + np.exp(-low))


MODELS = {
    model.name: model
    for model in (
        CurveModel("logarithm", logarithm, (0, 0), (1, 1)),
        CurveModel("M2", power_law, (0, 0, 0), (1, 1, 3)),
        CurveModel("weighted M2", power_law, (0, 0, 0), (1, 1, 3), weight_power=2),
        CurveModel("MMF", hill, (0, 0, 0), (1, 1, 3)),
        CurveModel("M4", m4, (0, 0, 0, 0), (1, 1, 4, 3)),
    )
}
