"""What forecasts turn out to be worth once the truth is known.

A score here is proper: nobody can better it by saying anything else than what they believe.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

PROBABILITIES = (np.arange(201) + 0.5) / 201  # dense enough for the CRPS; the middle one is the median


class Coverage(NamedTuple):
    """The share of intervals that held the truth, and its standard error; nan where there are none."""

    share: float
    stderr: float


def crps(draws: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the continuous ranked probability score of forecasts of `truth` [N], float64 [N], in the truth's unit.

    `draws` [D, N] are draws, or quantiles at the probabilities (i + 1/2) / D, which is the same to this score.
    CRPS = E|X - y| - E|X - X'| / 2 (Gneiting and Raftery 2007, "Strictly proper scoring rules, prediction, and
    estimation", JASA 102, equation 21), 0 at best; with one draw, a forecast without error bars, it is |error|.
    """
    rising = np.sort(draws, axis=0)
    count = len(rising)
    ranks = 2 * np.arange(1, count + 1) - count - 1
    return np.abs(rising - truth).mean(axis=0) - ranks @ rising / count**2


def crps_of_quantiles(quantiles: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the CRPS [N] of `quantiles` [P, N] at PROBABILITIES: of the median alone where the others are nan."""
    median = quantiles[len(quantiles) // 2]
    return crps(np.where(np.isnan(quantiles), median, quantiles), truth)


def coverage(held: np.ndarray, clusters: Sequence[object] | np.ndarray) -> Coverage:
    """Return the share of `held` (bool [N]) and its standard error, clustered: `clusters` [N] names each one's curve.

    The sizes and prefixes of one curve share its bends and its noise, so that they count as one witness, not many:

        stderr^2 = G / (G - 1) * sum over the G curves of (sum over its forecasts of (held - share))^2 / N^2

    (Liang and Zeger 1986, Biometrika 73, for a mean; the small-sample factor of Cameron and Miller 2015, "A
    practitioner's guide to cluster-robust inference", J. Human Resources 50, equation 12). One curve gives no standard
    error; where all were held, or none, it is 0, which says nothing of how sure that is.
    """
    if not len(held):
        return Coverage(np.nan, np.nan)
    share = float(np.mean(held))
    names, of = np.unique(np.asarray(clusters), return_inverse=True)
    if len(names) < 2:
        return Coverage(share, np.nan)
    sums = np.bincount(of, weights=np.asarray(held, dtype=float) - share)
    return Coverage(share, float(np.sqrt(len(names) / (len(names) - 1) * np.square(sums).sum()) / len(held)))


def rmse(forecast: np.ndarray, truth: np.ndarray) -> float:
    """Return the root mean squared error of `forecast` [N]."""
    return float(np.sqrt(np.mean(np.square(np.subtract(forecast, truth)))))


def rmsle(forecast: np.ndarray, truth: np.ndarray, least: float = 1e-6) -> float:
    """Return the root mean squared difference of the logarithms of two positive quantities [N], none below `least`.

    The measure of the scaling-law benchmark (Alabdulmohsin et al. 2022, arXiv 2209.06640, section 5).
    """
    return rmse(np.log(np.maximum(forecast, least)), np.log(np.maximum(truth, least)))
