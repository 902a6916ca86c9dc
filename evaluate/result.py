"""The metric rows of a result: each figure with its error bar."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TypedDict

import numpy as np

from evaluate.bootstrap import Samples, bootstrap
from evaluate.coco import Scores

LEVEL = 95  # per cent of the intervals from low to high that hold the detector's value over endless images
QUANTILE = NormalDist().inv_cdf(0.5 + LEVEL / 200)

MetricRow = TypedDict("MetricRow", {
    "metric": str,
    "class": str,  # "" for all classes
    "value": float | None,  # in [0, 1]; None where COCO defines none
    "stderr": float | None,  # None where the figure is not resampled, or in too few resamples defined
    "low": float | None,
    "high": float | None,
})


def metric_rows(scores: Scores, resamples: int, seed: int = 0) -> list[MetricRow]:
    """Return a row per figure of `scores`; AP and AP50, overall and per class, with bootstrap error bars."""
    samples = bootstrap(scores.matches, resamples, seed)
    return [_row(metric, class_, value, samples) for (metric, class_), value in scores.values.items()]


def _row(metric: str, class_: str, value: float, samples: Samples) -> MetricRow:
    drawn = samples.get((metric, class_), np.empty(0))
    stderr, low, high = error_bar(value, drawn[~np.isnan(drawn)])
    return {"metric": metric, "class": class_, "value": None if math.isnan(value) else value,
            "stderr": stderr, "low": low, "high": high}


def error_bar(value: float, drawn: np.ndarray) -> tuple[float, float, float] | tuple[None, None, None]:
    """Return the standard error of the resampled values [R] and the normal interval around `value`, within [0, 1].

    None with fewer than two values. The percentiles of `drawn` are not used: a resample repeats detections, which
    lifts its AP by a tenth or two of the standard error, so their interval sits too high and covers too little.
    """
    if len(drawn) < 2:
        return None, None, None
    stderr = float(drawn.std(ddof=1))
    return stderr, max(value - QUANTILE * stderr, 0.0), min(value + QUANTILE * stderr, 1.0)
