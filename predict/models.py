"""Curve models: one function per formula, x = images / images of the largest fitted subset.

In x every parameter is of order one and no power can overflow, and a change of the unit of size changes nothing. The
curves rise everywhere inside their boxes; they may leave [0, 1], where `Fitted` cuts them off. A model of one's own is
a function here and a line in `MODELS`: docs/curve_models.md has an example.

Sources: "Alabdulmohsin" is Alabdulmohsin et al. 2022, "Revisiting Neural Scaling Laws in Language and Vision"
(arXiv:2209.06640), section 2; "Domhan" is Domhan et al. 2015, "Speeding up Automatic Hyperparameter Optimization of
Deep Neural Networks by Extrapolation of Learning Curves" (IJCAI), table 1; "Mahmood" is Mahmood et al. 2022, "How Much
More Data Do I Need?" (CVPR, arXiv:2207.01725), table 1. Errors are 1 - mAP.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CurveModel:
    """A formula `f(x, *parameters)` that broadcasts, with the box its parameters are looked for in."""

    formula: Callable[..., np.ndarray]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    start: tuple[float, ...] = ()  # where the search begins, strictly inside; the middle of the box unless given
    weight_power: float = 0.0  # squared residuals are weighed by x ** weight_power


def logarithm(x: np.ndarray, last: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """The value `last` at x = 1, `gain` more for every e-fold of images: log-linear in Domhan's code, Mahmood."""
    return last + gain * np.log(x)


def m1(x: np.ndarray, error: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """M1 of Alabdulmohsin, the power law of Hestness et al. 2017 (arXiv:1712.00409): e(x) = error x^-exponent."""
    return 1 - error * x**-exponent


def m2(x: np.ndarray, error: np.ndarray, floor: np.ndarray, exponent: np.ndarray | float) -> np.ndarray:
    """M2 of Alabdulmohsin, power law with offset: e(x) = error [floor + (1 - floor) x^-exponent].

    `error` is the error at x = 1, `floor` the share of it that no data removes. pow3 of Domhan and the power law of
    Mahmood are the same curves.
    """
    return 1 - error * (floor + (1 - floor) * x**-exponent)


def hoiem(x: np.ndarray, error: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """M2 with the exponent of Hoiem et al. 2021, "Learning Curves for Analysis of Deep Networks" (arXiv:2010.11029).

    Their e(n) = alpha + eta n^-gamma with gamma = 0.5 where a curve has too few points to tell it.
    """
    return m2(x, error, floor, 0.5)


def m3(x: np.ndarray, error: np.ndarray, exponent: np.ndarray, bend: np.ndarray) -> np.ndarray:
    """M3 of Alabdulmohsin: e(x) = beta (1/x + bend)^exponent, where error = e(1) fixes beta.

    A power law that levels off where x exceeds 1 / bend.
    """
    return 1 - error * ((1 / x + bend) / (1 + bend)) ** exponent


def m4(x: np.ndarray, top: np.ndarray, reached: np.ndarray, delay: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """M4 of Alabdulmohsin, with no skill at zero images: (top - m) / m^delay = B x^-exponent for the mAP m.

    `reached` = m(1) / top fixes B. With z the logit of m / top the equation is (delay - 1) softplus(z) - delay z = r;
    its left side falls, is convex or concave throughout and lies to one side of its asymptotes, -delay z and -z, so
    that Newton's steps from their root approach its own without overshooting.
    """
    r = np.log1p(-reached) - delay * np.log(reached) - exponent * np.log(x)
    z = np.where(r > 0, -r / delay, -r)
    for _ in range(NEWTON_STEPS):
        softplus = np.logaddexp(0, z)
        share = np.exp(z - softplus)
        z = z + ((delay - 1) * softplus - delay * z - r) / (share + delay * (1 - share))
    return top * np.exp(-np.logaddexp(0, -z))


def bnsl(x: np.ndarray, error: np.ndarray, floor: np.ndarray, early: np.ndarray, late: np.ndarray, bend: np.ndarray,
         width: np.ndarray) -> np.ndarray:
    """Broken neural scaling law with one break: Caballero et al. 2023 (ICLR, arXiv:2210.14891), equation 1.

    e(x) = a + b x^-c0 (1 + (x / d)^(1/f))^(-c1 f) with exponents `early` = c0 before the break and `late` = c0 + c1
    after it, `bend` = ln d and `width` = f; `error` = e(1) and the share `floor` of it that no data removes fix a, b.
    """
    turned = width * (np.logaddexp(0, (np.log(x) - bend) / width) - np.logaddexp(0, -bend / width))
    return 1 - error * (floor + (1 - floor) * np.exp(-early * np.log(x) - (late - early) * turned))


def pow4(x: np.ndarray, error: np.ndarray, floor: np.ndarray, exponent: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """pow4 of Domhan, c - (a x + b)^-exponent: M2 of x + `shift`, as if the detector had seen images before."""
    return m2((x + shift) / (1 + shift), error, floor, exponent)


def hill(x: np.ndarray, top: np.ndarray | float, reached: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Hill3 of Domhan, through the origin: top x^slope / (k^slope + x^slope); `reached` is its share of top at x = 1.

    Domhan's log power is the same curve.
    """
    return top * reached / (reached + (1 - reached) * x**-slope)


def mmf(x: np.ndarray, top: np.ndarray, start: np.ndarray, reached: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """MMF (Morgan-Mercer-Flodin) of Domhan, top - (top - b) / (1 + (k x)^slope): Hill's from b = `start` * top."""
    return top * (start + (1 - start) * hill(x, 1, reached, slope))


def weibull(x: np.ndarray, top: np.ndarray, start: np.ndarray, rate: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Weibull of Domhan: top - (top - b) exp(-rate x^slope) from b = `start` * top.

    Domhan's Janoschek is this curve as it stands here, Weibull writes (k x)^slope in the exponent, and exp4 writes the
    factor before the exponential as an exponential: the three are the same curves.
    """
    return top * (1 - (1 - start) * np.exp(-rate * x**slope))


def arctan(x: np.ndarray, top: np.ndarray, rate: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Arctan of Mahmood, (2 / pi) arctan(rate x + shift) + c, where top = 1 + c is what it tends to.

    Written from memory of Mahmood's table 1 and not held against it.
    """
    return top - 1 + 2 / math.pi * np.arctan(rate * x + shift)


def algebraic_root(x: np.ndarray, start: np.ndarray, gain: np.ndarray, log_rate: np.ndarray,
                   power: np.ndarray) -> np.ndarray:
    """Algebraic root of Mahmood, n / (1 + |k n|^power)^(1 / power) + start, in z = k n = exp(log_rate) x.

    Written from memory of Mahmood's table 1 and not held against it. Its `gain` is 1 / k, which depends on the unit of
    size; here it is free.
    """
    return start + gain * np.exp(-np.logaddexp(0, -power * (np.log(x) + log_rate)) / power)


NEWTON_STEPS = 8  # within 1e-15 after 7, wherever in the box

# A change of name alone makes no new model: these are the same curves.
ALIASES = {"pow3": "M2", "Hill3": "Hill", "log power": "Hill", "Janoschek": "Weibull", "exp4": "Weibull"}

MODELS: dict[str, CurveModel] = {
    "logarithm": CurveModel(logarithm, (0, 0), (1, 1), (0.4, 0.05)),
    "M1": CurveModel(m1, (0, 0), (1, 3), (0.6, 0.2)),
    "M2": CurveModel(m2, (0, 0, 0), (1, 1, 3), (0.6, 0.5, 0.5)),
    "weighted M2": CurveModel(m2, (0, 0, 0), (1, 1, 3), (0.6, 0.5, 0.5), weight_power=2),
    "Hoiem": CurveModel(hoiem, (0, 0), (1, 1), (0.6, 0.5)),
    "M3": CurveModel(m3, (0, 0, 0), (1, 3, 10), (0.6, 0.2, 0.1)),
    "M4": CurveModel(m4, (0, 1e-6, 0.01, 0), (1, 1 - 1e-6, 4, 3), (0.6, 0.5, 1, 0.5)),
    "BNSL": CurveModel(bnsl, (0, 0, 0, 0, -7, 0.05), (1, 1, 3, 3, 2, 2), (0.6, 0.5, 0.5, 0.5, -1, 0.5)),
    "pow4": CurveModel(pow4, (0, 0, 0, 0), (1, 1, 3, 1), (0.6, 0.5, 0.5, 0.1)),
    "Hill": CurveModel(hill, (0, 0, 0), (1, 1, 3), (0.6, 0.5, 0.5)),
    "MMF": CurveModel(mmf, (0, 0, 0, 0), (1, 1, 1, 3), (0.6, 0.1, 0.5, 0.5)),
    "Weibull": CurveModel(weibull, (0, 0, 0, 0), (1, 1, 10, 3), (0.6, 0.1, 1, 0.5)),
    "arctan": CurveModel(arctan, (0, 0, 0), (1, 50, 50), (0.6, 5, 3)),
    "algebraic root": CurveModel(algebraic_root, (0, 0, -5, 0.1), (1, 1, 5, 5), (0.1, 0.5, 0, 1)),
}
