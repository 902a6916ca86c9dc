"""Precision and recall out of matches, as COCOeval.accumulate has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluate.matches import MAX_DETECTIONS, ClassMatches, compiled

RECALLS = np.linspace(0, 1, 101)  # COCOeval's grid; r / 100 differs from it in the last bits, and so would AP
EPSILON = np.spacing(1)  # COCOeval's own, under every precision
UNDEFINED = -1.0  # where there is no box to find


def precision_of(matches: Sequence[ClassMatches]) -> np.ndarray:
    """Return float64 [T, 101, K, A]: the best precision at each recall or beyond, 0 out of reach, else UNDEFINED."""
    return np.stack([_class_precision(m.found, m.ignored, m.truths.sum(axis=1), RECALLS) for m in matches], axis=2)


def recall_of(matches: Sequence[ClassMatches]) -> np.ndarray:
    """Return float64 [T, K, A, M]: the share of boxes found with 1, 10 and 100 detections per image and class."""
    return np.stack([_class_recall(m) for m in matches], axis=1)


def _class_recall(matches: ClassMatches) -> np.ndarray:
    """Return float64 [T, A, M]."""
    totals = matches.truths.sum(axis=1)[:, None]
    hits = np.stack([matches.found[..., matches.ranks < most].sum(axis=2) for most in MAX_DETECTIONS], axis=2)
    return np.where(totals > 0, np.moveaxis(hits, 1, 0) / np.maximum(totals, 1), UNDEFINED)


@compiled
def _class_precision(found, ignored, totals, recalls):
    """found and ignored [A, T, D], totals [A]. Returns float64 [T, R, A]."""
    sizes, thresholds, detections = found.shape
    table = np.full((thresholds, len(recalls), sizes), UNDEFINED)
    recall, precision = np.empty(detections), np.empty(detections)
    for a in range(sizes):
        if totals[a] == 0:
            continue
        for t in range(thresholds):
            true, counted, points = 0, 0, 0
            for d in range(detections):
                counted += not ignored[a, t, d]
                if found[a, t, d]:
                    true += 1
                    recall[points] = true / totals[a]
                    precision[points] = true / (counted + EPSILON)
                    points += 1
            _fill(table[t, :, a], recall[:points], precision[:points], recalls)
    return table


@compiled
def _fill(row, recall, precision, recalls):
    """Write the highest precision at each of `recalls` or beyond it, 0 beyond the last of `recall` [P], rising."""
    row[:] = 0.0
    best, grid = 0.0, len(recalls) - 1
    for p in range(len(recall) - 1, -1, -1):
        best = max(best, precision[p])
        while grid >= 0 and (p == 0 or recalls[grid] > recall[p - 1]):
            if recalls[grid] <= recall[p]:
                row[grid] = best
            grid -= 1
