"""The metric rows of a result: each figure with its error bar."""

from __future__ import annotations

import math
from typing import TypedDict

import numpy as np
from scipy.special import stdtrit

from evaluate.bootstrap import Samples, bootstrap
from evaluate.coco import ALL, Scores
from evaluate.matches import ClassMatches

LEVEL, NARROW = 95, 80  # per cent of the intervals that hold the detector's value over endless images


class ErrorBar(TypedDict):
    """All None where a figure is not resampled, or in too few images defined."""

    stderr: float | None
    low: float | None  # of the interval of LEVEL per cent
    high: float | None
    low_80: float | None
    high_80: float | None


MetricRow = TypedDict("MetricRow", {
    "metric": str,
    "class": str,  # "" for all classes
    "value": float | None,  # in [0, 1]; None where COCO defines none
    "stderr": float | None,  # from here on as in ErrorBar
    "low": float | None,
    "high": float | None,
    "low_80": float | None,
    "high_80": float | None,
})
ROUNDING = 1e-12  # of the mean of values that are all the same
NO_ERROR_BAR: ErrorBar = {"stderr": None, "low": None, "high": None, "low_80": None, "high_80": None}


def metric_rows(scores: Scores, resamples: int, seed: int = 0) -> list[MetricRow]:
    """Return a row per figure of `scores`; AP and AP50, overall and per class, with bootstrap error bars."""
    samples, images = bootstrap(scores.matches, resamples, seed), images_with_boxes(scores.matches)
    return [_row(metric, class_, value, samples, images[class_]) for (metric, class_), value in scores.values.items()]


def images_with_boxes(matches: tuple[ClassMatches, ...]) -> dict[str, int]:
    """Return in how many images a class has a box to be found; class ALL: any class."""
    present = np.array([m.truths[0] > 0 for m in matches])
    return {ALL: int(present.any(axis=0).sum())} | {m.name: int(row.sum()) for m, row in zip(matches, present)}


def _row(metric: str, class_: str, value: float, samples: Samples, images: int) -> MetricRow:
    bar = error_bar(value, samples.get((metric, class_), np.empty(0)), images)
    return {"metric": metric, "class": class_, "value": None if math.isnan(value) else value, **bar}


def error_bar(value: float, drawn: np.ndarray, images: int) -> ErrorBar:
    """Return the standard error of the resampled values [R], nan where undefined, and the intervals of `value`.

    `images` hold what the figure is about; with one of them, or less than two resamples, there is no error bar.
    An interval is Wilson's of a share, at the value less what luck added to it (the resamples' mean lies above the
    value by as much), for as many trials as a share like that mean with this standard error has, and as many images
    where that is 0; Student's t for those images in place of the normal quantile; and it holds the value. After Korn
    and Graubard 1998 (Survey Methodology 24), who do so for shares in surveys. benchmarks/coverage.py says how often it
    holds the truth.
    """
    drawn = drawn[~np.isnan(drawn)]
    if len(drawn) < 2 or images < 2:
        return NO_ERROR_BAR
    stderr, mean = float(drawn.std(ddof=1)), float(drawn.mean())
    centre = min(max(2 * value - mean, 0.0), 1.0)
    trials = mean * (1 - mean) / stderr**2 if stderr > ROUNDING else float(images)
    (low, high), (low_80, high_80) = (wilson(centre, trials, quantile(level, images - 1)) for level in (LEVEL, NARROW))
    return {"stderr": stderr, "low": min(low, value), "high": max(high, value), "low_80": min(low_80, value),
            "high_80": max(high_80, value)}


def wilson(share: float, trials: float, quantile: float) -> tuple[float, float]:
    """Return the ends of Wilson's interval (1927, Journal of the American Statistical Association 22)."""
    shrink = 1 + quantile**2 / trials
    middle = (share + quantile**2 / (2 * trials)) / shrink
    half = quantile / shrink * math.sqrt(share * (1 - share) / trials + (quantile / (2 * trials)) ** 2)
    return middle - half if share > 0 else 0.0, middle + half if share < 1 else 1.0


def quantile(level: int, freedom: float) -> float:
    """Return how many standard errors an interval of `level` per cent goes to either side: Student's t."""
    return float(stdtrit(freedom, 0.5 + level / 200))
