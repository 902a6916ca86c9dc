"""Error bars of AP by resampling the validation images with replacement.

Matching does not depend on the sample, so it is done once; a resample is a weight per image (how often it was drawn)
under which precision and recall are accumulated again. With every weight 1 the result is COCOeval's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np

from evaluate.coco import ALL
from evaluate.matches import ClassMatches

RECALLS = np.linspace(0, 1, 101)  # COCOeval's grid; r / 100 differs from it in the last bits, and so would AP
EPSILON = np.spacing(1)

Samples = dict[tuple[str, str], np.ndarray]


def bootstrap(matches: Sequence[ClassMatches], resamples: int, seed: int) -> Samples:
    """Return float64 [resamples] for AP and AP50, of all classes (class ALL) and of each.

    nan where a resample holds no box of a class, which is then left out of that resample's mean.
    Two runs judged on the same images get the same resamples from the same seed, so their samples can be paired.
    """
    return reduce_precision(matches, resample_precision(matches, draw_weights(matches, resamples, seed)))


def draw_weights(matches: Sequence[ClassMatches], resamples: int, seed: int) -> np.ndarray:
    """Return int64 [resamples, I]: how often each image is drawn; every row sums to I."""
    images = len(matches[0].truths)
    return np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), size=resamples)


def resample_precision(matches: Sequence[ClassMatches], weights: np.ndarray) -> np.ndarray:
    """Return float64 [R, K, T]: average precision under image weights int64 [R, I], nan where there is no box."""
    return np.stack([_class_precision(m, weights) for m in matches], axis=1)


def reduce_precision(matches: Sequence[ClassMatches], precision: np.ndarray) -> Samples:
    """Average precision [R, K, T] into AP (over all T thresholds) and AP50 (the first one)."""
    samples: Samples = {}
    for figure, per_class in (("AP", precision.mean(axis=2)), ("AP50", precision[:, :, 0])):
        samples[figure, ALL] = _mean_of_defined(per_class)
        samples |= {(figure, m.name): per_class[:, k] for k, m in enumerate(matches)}
    return samples


def _mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Return the mean of each row [R, K] over what is not nan; nan for a row without anything."""
    defined = ~np.isnan(values)
    count = defined.sum(axis=1)
    return np.where(count > 0, np.where(defined, values, 0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _class_precision(matches: ClassMatches, weights: np.ndarray) -> np.ndarray:
    """Return float64 [R, T] for one class. Only detections that met a box can raise recall: the others just count."""
    thresholds, hits = np.nonzero(matches.found | matches.ignored)
    starts = np.searchsorted(thresholds, np.arange(len(matches.found) + 1))
    return _accumulate(weights, matches.truths, matches.images, hits, matches.found[thresholds, hits], starts)


@numba.njit(cache=True)
def _accumulate(weights, truths, images, hits, found, starts):
    """Accumulate one class under every row of `weights` [R, I].

    hits [M]: detections (as positions in `images` [D]) that met a box or a crowd, best first; the hits of
    threshold t are starts[t]:starts[t + 1]. found [M]: whether the hit is a true positive; the others are ignored.
    """
    precision = np.full((len(weights), len(starts) - 1), np.nan)
    seen = np.empty(len(images), np.int64)
    for r in range(len(weights)):
        total = np.sum(weights[r] * truths)
        if total == 0:
            continue
        count = 0
        for d in range(len(images)):
            count += weights[r, images[d]]
            seen[d] = count
        for t in range(len(starts) - 1):
            part = slice(starts[t], starts[t + 1])
            precision[r, t] = _average_precision(weights[r], total, images, seen, hits[part], found[part])
    return precision


@numba.njit(cache=True)
def _average_precision(weights, total, images, seen, hits, found):
    """Return the mean, over the recall grid, of the best precision at that recall or beyond (COCOeval.accumulate).

    total: weighted boxes to find. seen [D]: weighted detections up to and including each.
    """
    recall, precision = np.empty(len(hits)), np.empty(len(hits))
    true, ignored, points = 0, 0, 0
    for h in range(len(hits)):
        weight = weights[images[hits[h]]]
        if found[h]:
            true += weight
            recall[points] = true / total
            precision[points] = true / (seen[hits[h]] - ignored + EPSILON)
            points += 1
        else:
            ignored += weight
    area, best, grid = 0.0, 0.0, len(RECALLS) - 1
    for p in range(points - 1, -1, -1):
        best = max(best, precision[p])
        while grid >= 0 and (p == 0 or RECALLS[grid] > recall[p - 1]):
            if RECALLS[grid] <= recall[p]:  # else out of reach, and counts as 0
                area += best
            grid -= 1
    return area / len(RECALLS)
