"""COCO mean average precision, overall and per class: pycocotools' figures, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.annotations import Annotations
from datasets.errors import InputError
from evaluate.accumulate import UNDEFINED, precision_of, recall_of
from evaluate.detections import Detections, read_detections
from evaluate.matches import ClassMatches, match

FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
ALL = ""  # the "class" of a figure over all classes


@dataclass(frozen=True, eq=False)
class Scores:
    """How good a set of detections is.

    `values` maps (figure, class) to a number in [0, 1], or nan where COCO defines none (it prints -1): the twelve
    FIGURES of class ALL and of every class. A class without boxes is left out of the means.
    """

    values: dict[tuple[str, str], float]
    matches: tuple[ClassMatches, ...]  # one per category of the truth
    precision: np.ndarray  # float64 [T, 101, K, A] over IoU thresholds, recalls, classes and sizes; -1 where undefined


def score(truth: Annotations, detections: Detections | str | Path) -> Scores:
    """Score `detections`, or a COCO results file of them, against every image of `truth`.

    Raises InputError where the file cannot be used or the truth has no box to find.
    """
    if truth.crowd.all():
        raise InputError(f"{truth.source or 'truth'}: has no boxes to score against; give an annotated split")
    if not isinstance(detections, Detections):
        detections = read_detections(detections, truth)
    matches = match(truth, detections)
    precision, recall = precision_of(matches), recall_of(matches)
    by_id = np.argsort(truth.category_ids)  # the order in which COCOeval adds up, which decides the last bit
    values = {(name, ALL): value for name, value in _summarize(precision[:, :, by_id], recall[:, by_id])}
    for k, category in enumerate(truth.categories):
        values |= {(name, category): value for name, value in _summarize(precision[:, :, [k]], recall[:, [k]])}
    return Scores(values, matches, precision)


def _summarize(precision: np.ndarray, recall: np.ndarray) -> Iterator[tuple[str, float]]:
    """Yield the FIGURES of precision [T, 101, K, A] and recall [T, K, A, M], as COCOeval.summarize takes them."""
    cuts = [precision[..., 0], precision[:1, ..., 0], precision[5:6, ..., 0], *np.moveaxis(precision[..., 1:], -1, 0),
            *np.moveaxis(recall[:, :, 0], -1, 0), *np.moveaxis(recall[:, :, 1:, -1], -1, 0)]
    for name, cut in zip(FIGURES, cuts, strict=True):
        defined = cut[cut > UNDEFINED]
        yield name, float(defined.mean()) if len(defined) else float("nan")
