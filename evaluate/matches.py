"""Which detection found which box: matched once, then accumulated as often as needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from datasets.annotations import Annotations


@dataclass(frozen=True, eq=False)
class ClassMatches:
    """The matches of one class over all sizes of boxes: D detections, T IoU thresholds, I images."""

    name: str
    images: np.ndarray  # int32 [D], position of the detection's image in the truth
    scores: np.ndarray  # float64 [D], highest first; ties stand as COCOeval.accumulate leaves them
    found: np.ndarray  # bool [T, D], true positives
    ignored: np.ndarray  # bool [T, D], neither right nor wrong (on a crowd)
    truths: np.ndarray  # int64 [I], boxes to be found in each image


def collect_matches(evaluation, truth: Annotations) -> tuple[ClassMatches, ...]:
    """Return the matches of every class, in the order of `truth.categories`.

    `evaluation` is a COCOeval of `truth` after `evaluate()`.
    """
    return tuple(_collect_class(evaluation, truth, k) for k in range(len(truth.categories)))


def _collect_class(evaluation, truth: Annotations, class_: int) -> ClassMatches:
    parameters = evaluation.params
    num_images = len(parameters.imgIds)
    k = parameters.catIds.index(truth.category_ids[class_])
    start = k * len(parameters.areaRng) * num_images  # results lie class by class, size by size, all sizes first
    per_image = evaluation.evalImgs[start:start + num_images]
    by_id = np.argsort(truth.image_ids)  # COCOeval goes through the images by rising id
    answered = [(image, result) for image, result in zip(by_id, per_image) if result is not None]

    images = _join([np.full(len(r["dtScores"]), image, np.int32) for image, r in answered], np.empty(0, np.int32))
    scores = _join([r["dtScores"] for _, r in answered], np.empty(0))
    none = np.empty((len(parameters.iouThrs), 0), bool)
    matched = _join([r["dtMatches"] > 0 for _, r in answered], none)
    ignored = _join([r["dtIgnore"] for _, r in answered], none)
    truths = np.zeros(num_images, np.int64)
    for image, result in answered:
        truths[image] = np.count_nonzero(result["gtIgnore"] == 0)
    best_first = np.argsort(-scores, kind="mergesort")
    return ClassMatches(truth.categories[class_], images[best_first], scores[best_first],
                        (matched & ~ignored)[:, best_first], ignored[:, best_first], truths)


def _join(parts: list[np.ndarray], none: np.ndarray) -> np.ndarray:
    """Concatenate along the detections; `none` gives type and shape where there is nothing to join."""
    return np.concatenate([none, *parts], axis=-1)
