"""Is one set of detections better than another? The paired bootstrap: both judged on the same resampled images."""

from __future__ import annotations

import math
from typing import TypedDict

import numpy as np

from datasets.errors import InputError
from evaluate.bootstrap import bootstrap
from evaluate.coco import Scores
from evaluate.result import LEVEL, NARROW, images_with_boxes, quantile, wilson

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

    Raises InputError where the two were judged against other classes, or other numbers of boxes in some image.
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
    centre = 2 * value - float(drawn.mean())  # less what luck adds to one more than to the other
    for level, (low, high) in ((LEVEL, ("low", "high")), (NARROW, ("low_80", "high_80"))):
        ends = difference_interval(centre, stderr, images - 1, level)
        row[low], row[high] = min(ends[0], value), max(ends[1], value)
    return row


def difference_interval(centre: float, stderr: float, freedom: float, level: int) -> tuple[float, float]:
    """Return Student's interval of a difference, within [-1, 1].

    Where all resamples agree it reaches as far as Wilson's of a share that is the same in all of freedom + 1 images.
    """
    reach = quantile(level, freedom)
    half = reach * stderr if stderr > 0 else wilson(0.0, freedom + 1, reach)[1]
    return max(centre - half, -1.0), min(centre + half, 1.0)


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value
