"""COCO mean average precision, overall and per class. pycocotools is the definition."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from datasets.annotations import Annotations
from datasets.errors import InputError
from evaluate.detections import Detection, read_detections
from evaluate.matches import ClassMatches, collect_matches

FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
ALL = ""  # the "class" of a figure over all classes


@dataclass(frozen=True, eq=False)
class Scores:
    """How good a set of detections is.

    `values` maps (figure, class) to a number in [0, 1], or nan where COCO defines none (it prints -1): the twelve
    FIGURES of class ALL, and AP and AP50 of every class. A class without boxes is left out of the means.
    """

    values: dict[tuple[str, str], float]
    matches: tuple[ClassMatches, ...]  # one per category of the truth


def score(truth: Annotations, detections: list[Detection] | str | Path) -> Scores:
    """Score `detections`, a list or a COCO results file, against every image of `truth`.

    Raises InputError where the file cannot be used or the truth has no box to find.
    """
    if truth.crowd.all():
        raise InputError(f"{truth.source or 'truth'}: has no boxes to score against; give an annotated split")
    if not isinstance(detections, list):
        detections = read_detections(detections, truth)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        evaluation = COCOeval(_truth_index(truth), _detection_index(truth, detections), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    overall = {(name, ALL): _defined(value) for name, value in zip(FIGURES, evaluation.stats)}
    return Scores(overall | _class_values(evaluation, truth), collect_matches(evaluation, truth))


def _class_values(evaluation: COCOeval, truth: Annotations) -> dict[tuple[str, str], float]:
    """Return AP and AP50 of each class: the mean of its precisions over the recall grid and the thresholds."""
    precision = evaluation.eval["precision"][..., 0, -1]  # [T, 101, K]: all sizes, 100 detections
    values = {}
    for name, category_id in zip(truth.categories, truth.category_ids):
        of_class = precision[..., evaluation.params.catIds.index(category_id)]
        values["AP", name] = _defined(of_class.mean())
        values["AP50", name] = _defined(of_class[0].mean())
    return values


def _truth_index(truth: Annotations) -> COCO:
    """Index the boxes of `truth`. Ids start at 1: COCOeval takes a match with id 0 for none."""
    return _index(truth, [
        {"id": id_, "image_id": image, "category_id": truth.category_ids[class_], "bbox": box, "area": area,
         "iscrowd": crowd}
        for id_, image, class_, box, area, crowd in zip(
            range(1, truth.num_boxes + 1), truth.image_ids[truth.image_of_box()].tolist(), truth.classes.tolist(),
            truth.boxes.tolist(), truth.areas.tolist(), truth.crowd.astype(int).tolist())
    ])


def _detection_index(truth: Annotations, detections: list[Detection]) -> COCO:
    """Index `detections` as COCO.loadRes does, which fails on an empty list and writes into its argument."""
    return _index(truth, [
        {**detection, "id": id_, "area": detection["bbox"][2] * detection["bbox"][3], "iscrowd": 0}
        for id_, detection in enumerate(detections, start=1)
    ])


def _index(truth: Annotations, annotations: list[dict]) -> COCO:
    index = COCO()
    index.dataset = {
        "images": [{"id": id_} for id_ in truth.image_ids.tolist()],
        "categories": [{"id": id_} for id_ in truth.category_ids],
        "annotations": annotations,
    }
    index.createIndex()
    return index


def _defined(value: float) -> float:
    return float(value) if value > -1 else float("nan")
