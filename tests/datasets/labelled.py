"""Annotations made from what each image holds, and how far the prefixes of an order are from their shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from datasets.annotations import Annotations
from datasets.findings import ReadReport


def annotate(images: Sequence[Mapping[str, int]], categories: Sequence[str] = "", names: Sequence[str] = (),
             ids: Sequence[int] = ()) -> Annotations:
    """Return images with the given numbers of boxes of each class; "#" before a class makes its boxes crowds."""
    held = [[(class_.strip("#"), "#" in class_) for class_, boxes in image.items() for _ in range(boxes)]
            for image in images]
    flat = [box for boxes in held for box in boxes]
    categories = tuple(categories or sorted({class_ for class_, _ in flat}) or "a")
    return Annotations(
        categories=categories,
        category_ids=tuple(range(1, len(categories) + 1)),
        image_ids=np.array(ids or np.arange(len(images)), np.int64),
        file_names=tuple(names or (f"{i:04d}.jpg" for i in range(len(images)))),
        widths=np.full(len(images), 9, np.int32),
        heights=np.full(len(images), 9, np.int32),
        starts=np.cumsum([0, *map(len, held)]),
        boxes=np.tile([0.0, 0, 5, 5], (len(flat), 1)),
        classes=np.array([categories.index(class_) for class_, _ in flat], np.int32),
        crowd=np.array([crowd for _, crowd in flat], bool),
        areas=np.full(len(flat), 25.0),
    )


def scenes(count: int, classes: int, seed: int = 0) -> list[dict[str, int]]:
    """Return images shaped like COCO's: a few kinds of scene, frequent and rare classes, crowded and empty images."""
    rng = np.random.default_rng(seed)
    likely = 6 * rng.dirichlet(np.full(classes, 0.3), size=8) * np.geomspace(1, 0.05, classes)
    likely[:, 0] = 0.7
    rates = likely[rng.integers(8, size=count)] * rng.gamma(2, 0.5, (count, 1))
    boxes = (rng.random(rates.shape) < rates) * (1 + rng.poisson(rng.gamma(0.5, 4, rates.shape)))
    return [{f"{class_:03d}": int(row[class_]) for class_ in np.flatnonzero(row)} for row in boxes]


def deviations(annotations: Annotations, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many images the prefixes of `order` are ahead of their shares, times I, and how many images' worth.

    int64 [I, C + 1]: images with each class, then those without boxes. float64 [I, C]: boxes of each class, in units
    of the most that one image has.
    """
    boxes = np.zeros((annotations.num_images, len(annotations.categories)), np.int64)
    np.add.at(boxes, (annotations.image_of_box(), annotations.classes), 1)
    held = np.column_stack([boxes > 0, ~boxes.any(axis=1)]).astype(np.int64)
    worth = np.maximum(boxes.max(axis=0), 1) * len(boxes)
    return _ahead(held[order]), _ahead(boxes[order]) / worth


def _ahead(amounts: np.ndarray) -> np.ndarray:
    prefixes = np.arange(1, len(amounts) + 1)[:, None]
    return len(amounts) * amounts.cumsum(axis=0) - prefixes * amounts.sum(axis=0)


def count(report: ReadReport, rule: str) -> int:
    """Return how many records a rule concerns."""
    return sum(len(finding.rows) for finding in report.findings if finding.rule == rule)
