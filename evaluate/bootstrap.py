"""Error bars of AP by resampling the validation images: the bootstrap with weights of 0 and 2, random halves.

Matching does not depend on the sample, so it is done once; a resample is a weight per image under which precision and
recall are accumulated again. With every weight 1 the result is COCOeval's.

A half of the images varies around the whole as much as the whole around endless images, as a sample drawn with
replacement does (Shao and Wu 1989, Annals of Statistics 17; weights of mean and variance 1: Praestgaard and Wellner
1993, Annals of Probability 21). But it has no detection twice, so that it shows more of what luck adds to AP: of 1,000
images and rare classes, intervals from halves hold the truth in .79 and .92 of the cases that 80 and 95 % should, from
samples with replacement in .75 and .90.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from evaluate.accumulate import EPSILON, RECALLS
from evaluate.coco import ALL
from evaluate.matches import IOU_THRESHOLDS, ClassMatches, compiled

LANES = 128  # resamples accumulated side by side: their weights of one image lie together and fill vector registers

Samples = dict[tuple[str, str], np.ndarray]


def bootstrap(matches: Sequence[ClassMatches], resamples: int, seed: int) -> Samples:
    """Return float64 [resamples] for AP and AP50, of all classes (class ALL) and of each, on every core.

    nan where a resample holds no box of a class, which is then left out of that resample's mean.
    Two runs judged on the same images get the same resamples from the same seed, so their samples can be paired.
    """
    images, hits = matches[0].truths.shape[1], [_hits(m) for m in matches]

    def block(start: int) -> np.ndarray:
        return _accumulate_classes(hits, draw_weights(images, range(start, min(start + LANES, resamples)), seed))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        blocks = list(pool.map(block, range(0, resamples, LANES)))
    return reduce_precision(matches, np.concatenate([np.empty((0, len(matches), len(IOU_THRESHOLDS))), *blocks]))


def draw_weights(images: int, resamples: range, seed: int) -> np.ndarray:
    """Return int32 [images, R]: which images are drawn, 1 or 0. Two resamples share the images out between them.

    A column depends on its number in `resamples` and the seed, not on the columns beside it.
    """
    weights = np.zeros((images, len(resamples)), np.int32)
    for column, resample in enumerate(resamples):
        order = np.random.default_rng([seed, resample // 2]).permutation(images)
        weights[np.array_split(order, 2)[resample % 2], column] = 1
    return weights


def resample_precision(matches: Sequence[ClassMatches], weights: np.ndarray) -> np.ndarray:
    """Return float64 [R, K, T]: average precision under image weights int [I, R], nan where there is no box."""
    return _accumulate_classes([_hits(m) for m in matches], np.ascontiguousarray(weights, np.int32))


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


def _hits(matches: ClassMatches) -> tuple[np.ndarray, ...]:
    """Return truths int64 [I], images int32 [D], starts int64 [D + 1], thresholds int64 [M] and found bool [M].

    A hit is a detection that met a box or a crowd at a threshold: those of detection d are starts[d]:starts[d + 1].
    Detections after the last true positive count for nothing, and are left out.
    """
    found, ignored = matches.found[0].T, matches.ignored[0].T
    count = int(np.flatnonzero(found.any(axis=1)).max(initial=-1)) + 1
    rows, thresholds = np.nonzero((found | ignored)[:count])
    starts = np.searchsorted(rows, np.arange(count + 1))
    return matches.truths[0], matches.images[:count], starts, thresholds, found[rows, thresholds]


def _accumulate_classes(hits: Sequence[tuple[np.ndarray, ...]], weights: np.ndarray) -> np.ndarray:
    """Return float64 [R, K, T] for the hits of K classes under weights int32 [I, R]."""
    return np.stack([_accumulate(weights, len(IOU_THRESHOLDS), *of_class) for of_class in hits], axis=1)


@compiled
def _accumulate(weights, num_thresholds, truths, images, starts, thresholds, found):
    """Return float64 [R, T]: the mean over the recall grid of the best precision there or beyond (COCOeval.accumulate).

    The last five are those of `_hits`. Two passes over the detections: forward to count them, and back from the last
    one, so that the best precision beyond each recall is known when that recall is met.
    """
    shape = num_thresholds, weights.shape[1]
    total, seen = np.zeros(shape[1], np.int32), np.zeros(shape[1], np.int32)
    true, ignored = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    for i in np.flatnonzero(truths):
        _add(total, weights[i], truths[i])
    for d in range(len(images)):
        weight = weights[images[d]]
        _add(seen, weight, 1)
        for h in range(starts[d], starts[d + 1]):
            _add((true if found[h] else ignored)[thresholds[h]], weight, 1)

    needed = _needed(total)
    grid, best, area = _reached(needed, true), np.zeros(shape), np.zeros(shape)
    for d in range(len(images) - 1, -1, -1):
        weight = weights[images[d]]
        for h in range(starts[d], starts[d + 1]):
            t = thresholds[h]
            if found[h]:
                _take_back(weight, true[t], seen, ignored[t], needed, grid[t], best[t], area[t])
            else:
                _add(ignored[t], weight, -1)
        _add(seen, weight, -1)
    precision = ((area + best) / len(RECALLS)).T.copy()  # `best` once more: recall 0 is always reached
    precision[total == 0] = np.nan
    return precision


@compiled
def _add(sums, weight, times):
    """Add `weight` [R] so many times; a loop, since numba is slow at adding short arrays."""
    for r in range(len(weight)):
        sums[r] += weight[r] * times


@compiled
def _needed(total):
    """Return int32 [101, R]: the fewest true positives, of `total` [R] boxes, that reach each recall of the grid."""
    needed = np.zeros((len(RECALLS), len(total)), np.int32)
    for g in range(len(RECALLS)):
        for r in range(len(total)):
            count = max(int(RECALLS[g] * total[r]) - 1, 0)
            while count / total[r] < RECALLS[g]:  # as COCOeval compares; never where total is 0
                count += 1
            needed[g, r] = count
    return needed


@compiled
def _reached(needed, true):
    """Return int64 [T, R]: the highest place on the recall grid that all `true` [T, R] together reach."""
    grid = np.full(true.shape, len(needed) - 1)
    for t in range(true.shape[0]):
        for r in range(true.shape[1]):
            while needed[grid[t, r], r] > true[t, r]:
                grid[t, r] -= 1
    return grid


@compiled
def _take_back(weight, true, seen, ignored, needed, grid, best, area):
    """Take back the last true positive of one threshold, and sum precision where recall falls below the grid.

    needed int32 [101, R]; all others [R].
    """
    for r in range(len(weight)):
        best[r] = max(best[r], true[r] / (np.int32(seen[r] - ignored[r]) + EPSILON))
        true[r] -= weight[r]
    for r in range(len(weight)):
        while needed[grid[r], r] > true[r]:
            area[r] += best[r]
            grid[r] -= 1
