"""A validation set and a detector's answer to it, made up in the shapes of real ones, as COCO files.

`python -m benchmarks.evaluation.material FOLDER [IMAGES]`: Pascal VOC's 20 classes in COCO's frequencies, boxes in
clumps with COCO's sizes, crowds, images without boxes; detections as an SSD gives them, up to 100 an image: true boxes
found the better the larger, moved and scored accordingly, some twice or under another class, and many false ones.
"""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path

import numpy as np

from benchmarks.scale.coco import CLASSES, GAPS, SIDES
from benchmarks.scale.dealing import deal, place, scale
from datasets.annotations import Annotations
from datasets.formats.coco import write_coco
from evaluate.detections import Detections, write_detections

IMAGES, BOXES, PER_IMAGE = 5_000, 36_000, 100  # images, their boxes, detections in an image
BLANK, CROWDS = 0.01, 0.012  # of the images, of the boxes: as in COCO's val2017
VOC = ("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "boat", "bird", "cat", "dog", "horse",
       "sheep", "cow", "bottle", "chair", "couch", "potted plant", "dining table", "tv")
SMALL, LARGE = 32.0, 96.0  # pixels, the sides at which COCO's sizes part
FOUND = (0.45, 0.8, 0.95)  # of the small, medium and large boxes
REPEATS = 0.8  # further detections of a found box, on average
MISTAKEN = 0.08  # of them, under another class
MOVED = (0.13, 0.07, 0.05)  # by how much of its side, for the three sizes
TRUE, FALSE = (0.2, 1.6), (-3.6, 1.1)  # logits of the scores of true and false detections: mean and deviation
SHORT = 0.02  # of the images, with fewer than PER_IMAGE detections


def make_truth(images: int, seed: int = 0) -> Annotations:
    """Return `images` images with BOXES / IMAGES boxes each on average; ids are spread and unordered, as COCO's are."""
    rng = np.random.default_rng(seed)
    ids = dict(zip(chain.from_iterable(CLASSES.values()), (id_ for id_ in range(1, 91) if id_ not in GAPS)))
    frequent = {name: count for below in CLASSES.values() for name, count in below.items()}
    counts = np.array([frequent[name] for name in VOC])
    blank = round(images * BLANK)
    image, classes = deal(rng, scale(counts, BOXES * images / IMAGES / counts.sum()), images - blank)
    image = rng.permutation(images)[image]
    order = np.argsort(image, kind="stable")
    image, classes = image[order], classes[order].astype(np.int32)
    sides = SIDES[rng.integers(len(SIDES), size=images)]
    boxes = place(rng, sides[image]).round(2)
    return Annotations(VOC, tuple(ids[name] for name in VOC), rng.choice(581_929, images, replace=False) + 1,
                       tuple(f"{number:012}.jpg" for number in range(images)), *sides.T.astype(np.int32),
                       starts=np.searchsorted(image, np.arange(images + 1)), boxes=boxes, classes=classes,
                       crowd=rng.random(len(boxes)) < CROWDS,
                       areas=(boxes[:, 2:].prod(axis=1) * rng.uniform(0.4, 0.8, len(boxes))).round(4))


def make_detections(truth: Annotations, seed: int = 1) -> Detections:
    """Return at most PER_IMAGE detections in each image, image by image, each image's by falling score."""
    rng = np.random.default_rng(seed)
    parts = zip(_near_boxes(rng, truth), _elsewhere(rng, truth))
    images, classes, boxes, scores = (np.concatenate(columns) for columns in parts)
    order = np.lexsort((-scores, images))
    images = images[order]
    rank = np.arange(len(images)) - np.searchsorted(images, images)
    limit = np.where(rng.random(truth.num_images) < SHORT, rng.integers(PER_IMAGE, size=truth.num_images), PER_IMAGE)
    kept = order[rank < limit[images]]
    corners = np.concatenate([boxes[kept, :2], boxes[kept, :2] + boxes[kept, 2:]], axis=1)
    edges = np.tile(np.stack([truth.widths, truth.heights], axis=1), 2)[images[rank < limit[images]]]
    corners = np.clip(corners, 0, edges)
    corners[:, 2:] -= corners[:, :2]
    return Detections(images[rank < limit[images]].astype(np.int32), classes[kept].astype(np.int32),
                      corners.round(3), scores[kept].astype(np.float32).astype(float))


def _near_boxes(rng: np.random.Generator, truth: Annotations) -> tuple[np.ndarray, ...]:
    """Return images, classes, boxes and scores of detections that stem from a box: the closer, the more certain."""
    size = np.digitize(np.sqrt(truth.areas), (SMALL, LARGE))
    found = np.flatnonzero(rng.random(truth.num_boxes) < np.array(FOUND)[size])
    of = np.repeat(found, 1 + rng.poisson(REPEATS, len(found)))
    first = np.concatenate([[True], of[1:] != of[:-1]])
    moved = rng.lognormal(np.log(np.array(MOVED)[size[of]]), 0.5) * np.where(first, 1, 3)
    boxes = truth.boxes[of] + rng.normal(0, 1, (len(of), 4)) * moved[:, None] * np.tile(truth.boxes[of, 2:], 2)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], 1)
    other = rng.integers(len(truth.categories), size=len(of))
    classes = np.where(rng.random(len(of)) < MISTAKEN, other, truth.classes[of])
    logits = rng.normal(*TRUE, len(of)) - 6 * moved + 0.7 * size[of] - np.where(first, 0, 1.5)
    return truth.image_of_box()[of], classes, boxes, _sigmoid(logits)


def _elsewhere(rng: np.random.Generator, truth: Annotations) -> tuple[np.ndarray, ...]:
    """Return PER_IMAGE false detections in every image, the frequent classes more often."""
    images = np.repeat(np.arange(truth.num_images), PER_IMAGE)
    frequency = np.sqrt(np.bincount(truth.classes, minlength=len(truth.categories)))
    classes = rng.choice(len(frequency), len(images), p=frequency / frequency.sum())
    boxes = place(rng, np.stack([truth.widths, truth.heights], axis=1)[images])
    return images, classes, boxes, _sigmoid(rng.normal(*FALSE, len(images)))


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def main(folder: str, images: str = str(IMAGES)) -> None:
    """Write truth.json and detections.json and print what they hold."""
    truth = make_truth(int(images))
    detections = make_detections(truth)
    write_coco(Path(folder, "truth.json"), truth)
    write_detections(Path(folder, "detections.json"), detections, truth)
    print(f"{truth.num_images:,} images, {len(truth.categories)} classes, {truth.num_boxes:,} boxes "
          f"({truth.crowd.sum()} crowds), {len(detections):,} detections")


if __name__ == "__main__":
    main(*sys.argv[1:])
