"""Random truths and detections, with everything that real COCO files contain."""

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from datasets.annotations import Annotations
from datasets.formats.coco import write_coco
from evaluate.detections import Detections


@dataclass(frozen=True)
class Case:
    """A truth and detections in it: the first class has no boxes, some images lack boxes, detections or both."""

    truth: Annotations
    records: list[dict]  # COCO results

    @property
    def detections(self) -> Detections:
        return to_detections(self.records, self.truth)

    def reference(self, folder: Path) -> COCOeval:
        """Return pycocotools' own evaluation of this case, through files, as its users run it."""
        write_coco(folder / "truth.json", self.truth)
        (folder / "detections.json").write_text(json.dumps(self.records))
        with contextlib.redirect_stdout(io.StringIO()):
            coco = COCO(folder / "truth.json")
            evaluation = COCOeval(coco, coco.loadRes(str(folder / "detections.json")), "bbox")
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        return evaluation


def to_detections(records: list[dict], truth: Annotations) -> Detections:
    image_ids = truth.image_ids.tolist()
    return Detections(np.array([image_ids.index(r["image_id"]) for r in records], np.int32),
                      np.array([truth.category_ids.index(r["category_id"]) for r in records], np.int32),
                      np.array([r["bbox"] for r in records], np.float64).reshape(-1, 4),
                      np.array([r["score"] for r in records], np.float64))


def make_case(seed: int, images: int = 25, classes: int = 4, crowd: float = 0.1, digits: int = 2) -> Case:
    """Make a case. Scores are rounded to `digits`, so that few digits make many ties."""
    rng = np.random.default_rng(seed)
    truth = _make_truth(rng, images, classes, crowd)
    found = np.repeat(np.flatnonzero(rng.random(truth.num_boxes) < 0.8), 2)
    noise = rng.normal(0, 0.12, (len(found), 4)) * np.tile(truth.boxes[found, 2:], 2)
    stray = rng.integers(truth.num_images, size=4 * images)
    boxes = np.concatenate([truth.boxes[found] + noise, _make_boxes(rng, len(stray))])
    boxes[:, 2:] = np.maximum(boxes[:, 2:], 0)
    positions = np.concatenate([truth.image_of_box()[found], stray])
    labels = np.concatenate([truth.classes[found], rng.integers(classes, size=len(stray))])
    scores = np.round(rng.random(len(boxes)), digits)
    silent = set(rng.choice(truth.num_images, 3, replace=False).tolist())
    return Case(truth, [
        {"image_id": int(truth.image_ids[p]), "category_id": truth.category_ids[k], "bbox": b, "score": s}
        for p, k, b, s in zip(positions.tolist(), labels.tolist(), boxes.tolist(), scores.tolist())
        if p not in silent
    ])


def _make_truth(rng: np.random.Generator, images: int, classes: int, crowd: float) -> Annotations:
    counts = rng.poisson(4, images) * (rng.random(images) > 0.2)
    boxes = _make_boxes(rng, counts.sum())
    return Annotations(
        categories=tuple(f"class {k}" for k in range(classes)),
        category_ids=tuple((rng.permutation(classes) * 3 + 2).tolist()),
        image_ids=rng.choice(10_000, images, replace=False),
        file_names=tuple(f"{i}.jpg" for i in range(images)),
        widths=np.full(images, 400, np.int32),
        heights=np.full(images, 400, np.int32),
        starts=np.concatenate([[0], np.cumsum(counts)]),
        boxes=boxes,
        classes=rng.integers(1, classes, len(boxes)).astype(np.int32),
        crowd=rng.random(len(boxes)) < crowd,
        areas=boxes[:, 2] * boxes[:, 3] * rng.uniform(0.5, 1, len(boxes)),
        source="truth.json",
    )


def _make_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return float64 [count, 4] boxes of all three of COCO's sizes in an image of 400 x 400."""
    sizes = np.exp(rng.uniform(np.log(8), np.log(180), (count, 2)))
    return np.concatenate([rng.random((count, 2)) * (400 - sizes), sizes], axis=1)


@pytest.fixture
def case_of():
    return make_case
