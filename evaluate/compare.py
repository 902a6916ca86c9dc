"""Is one set of detections better than another? The paired bootstrap: both judged on the same resampled images."""

from __future__ import annotations

import math
from typing import TypedDict

import numpy as np

from datasets.errors import InputError
from evaluate.bootstrap import bootstrap
from evaluate.coco import Scores
from evaluate.result import LEVEL, NARROW, images_with_boxes, quantile

DifferenceRow = TypedDict("DifferenceRow", {
    "metric": str,
    "class": str,  # "" for all classes
    "one": float | None,  # in [0, 1]; None where COCO defines none
    "other": float | None,
    "value": float | None,  # other - one
    "stderr": float | None,  # from here on None with less than two resamples, or images that hold the class
    "low": float | None,  # of the interval of 95 per cent
    "high": float | None,
    "low_80": float | None,
    "high_80": float | None,
    "better": float | None,  # share of the resamples in which `other` is ahead, and half of those in which none is
})


def compare(one: Scores, other: Scores, resamples: int, seed: int = 0) -> list[DifferenceRow]:
    """Return how much AP and AP50 rise from `one` to `other`, over all classes and for each.

    Raises InputError unless both were judged against the same boxes.
    """
    if not _same_truth(one, other):
        raise InputError("the two were judged against different boxes or images; score both against one truth")
    drawn_one, drawn_other = (bootstrap(scores.matches, resamples, seed) for scores in (one, other))
    images = images_with_boxes(one.matches)
    return [_row(key, one.values[key], other.values[key], drawn_other[key] - drawn_one[key], images[key[1]])
            for key in drawn_one]


def _same_truth(one: Scores, other: Scores) -> bool:
    return len(one.matches) == len(other.matches) and all(
        a.name == b.name and np.array_equal(a.truths[0], b.truths[0]) for a, b in zip(one.matches, other.matches))


def _row(key: tuple[str, str], one: float, other: float, drawn: np.ndarray, images: int) -> DifferenceRow:
    """Return the row of a figure out of its resampled differences [R], nan where undefined."""
    value, drawn = other - one, drawn[~np.isnan(drawn)]
    row: DifferenceRow = {
        "metric": key[0], "class": key[1], "one": _defined(one), "other": _defined(other), "value": _defined(value),
        "stderr": None, "low": None, "high": None, "low_80": None, "high_80": None, "better": None}
    if len(drawn) < 2 or images < 2:
        return row
    stderr = float(drawn.std(ddof=1))
    row["stderr"], row["better"] = stderr, float(np.mean((drawn > 0) + 0.5 * (drawn == 0)))
    row["low"], row["high"] = difference_interval(value, stderr, images, LEVEL)
    row["low_80"], row["high_80"] = difference_interval(value, stderr, images, NARROW)
    return row


def difference_interval(value: float, stderr: float, images: int, level: int) -> tuple[float, float]:
    """Return Student's interval of a difference, within [-1, 1]. What luck adds to either value cancels out."""
    half = quantile(level, images) * stderr
    return max(value - half, -1.0), min(value + half, 1.0)


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value
