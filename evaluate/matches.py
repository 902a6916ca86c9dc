"""Which detection found which box, as COCOeval.evaluateImg decides: matched once, then accumulated as often as needed.

The rules, and the order in which equals are taken, are pycocotools': the best 100 detections of a class in an image,
by score, each take the box they overlap most among those not yet taken; regions of crowds, and boxes outside a range
of sizes, come last, may be taken again, and make a detection ignored rather than right.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np

from datasets.annotations import Annotations
from evaluate.detections import Detections

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
SIZES = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}  # areas
MAX_DETECTIONS = (1, 10, 100)

# Without numba's test for a zero divisor: areas may be too small for a float, and the test keeps loops scalar.
compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


@dataclass(frozen=True, eq=False)
class ClassMatches:
    """The matches of one class: its D detections best first, T IoU thresholds, A sizes of boxes, I images."""

    name: str
    images: np.ndarray  # int32 [D], position of the detection's image in the truth
    scores: np.ndarray  # float64 [D], highest first; ties stand as COCOeval.accumulate leaves them
    ranks: np.ndarray  # int32 [D], place among the class's detections in its image; 0 is the best
    rows: np.ndarray  # int64 [D], row in Detections
    found: np.ndarray  # bool [A, T, D], true positives
    ignored: np.ndarray  # bool [A, T, D], neither right nor wrong: on a crowd, or of another size
    truths: np.ndarray  # int64 [A, I], boxes to be found in each image
    nearest: np.ndarray  # int32 [D], row in Annotations of the box met at the first threshold, all sizes; or -1


def match(truth: Annotations, detections: Detections) -> tuple[ClassMatches, ...]:
    """Return the matches of every class, in the order of `truth.categories`."""
    place = np.empty(truth.num_images, np.int64)  # COCOeval goes through the images by rising id
    place[np.argsort(truth.image_ids)] = np.arange(truth.num_images)
    image_of_box = truth.image_of_box()
    boxes_of = _rows_by_class(truth.classes, len(truth.categories))
    detections_of = _rows_by_class(detections.classes, len(truth.categories))

    def match_class(name: str, boxes: np.ndarray, rows: np.ndarray) -> ClassMatches:
        return _match_class(truth, detections, name, place, image_of_box, boxes, rows)

    with ThreadPoolExecutor() as pool:
        return tuple(pool.map(match_class, truth.categories, boxes_of, detections_of))


def _rows_by_class(classes: np.ndarray, count: int) -> list[np.ndarray]:
    """Return the rows of each class, in their order."""
    order = np.argsort(classes, kind="stable")
    return np.split(order, np.searchsorted(classes[order], np.arange(1, count)))


def _match_class(truth: Annotations, detections: Detections, name: str, place: np.ndarray, image_of_box: np.ndarray,
                 boxes: np.ndarray, rows: np.ndarray) -> ClassMatches:
    """Match one class: `boxes` and `rows` are its rows in truth and detections."""
    images = len(place)
    boxes = boxes[np.argsort(place[image_of_box[boxes]], kind="stable")]
    rows = rows[np.lexsort((-detections.scores[rows], place[detections.images[rows]]))]
    box_starts = _starts(place[image_of_box[boxes]], images)
    starts = _starts(place[detections.images[rows]], images)
    ranks = np.arange(len(rows)) - np.repeat(starts[:-1], np.diff(starts))
    if (ranks >= MAX_DETECTIONS[-1]).any():
        rows, ranks = rows[ranks < MAX_DETECTIONS[-1]], ranks[ranks < MAX_DETECTIONS[-1]]
        starts = _starts(place[detections.images[rows]], images)
    best = np.argsort(-detections.scores[rows], kind="stable")
    position = np.empty(len(rows), np.int64)
    position[best] = np.arange(len(rows))
    ignore = truth.crowd[boxes] | _outside(truth.areas[boxes])
    outside = _outside(detections.boxes[rows, 2] * detections.boxes[rows, 3])
    ignored = np.repeat(outside[:, None, best], len(IOU_THRESHOLDS), axis=1)
    found, nearest = _match_images(truth.boxes[boxes], truth.crowd[boxes], ignore, box_starts, detections.boxes[rows],
                                   starts, position, IOU_THRESHOLDS, ignored)
    rows = rows[best]
    truths = np.stack([np.bincount(image_of_box[boxes[~each]], minlength=images) for each in ignore])
    return ClassMatches(name, detections.images[rows], detections.scores[rows], ranks[best].astype(np.int32), rows,
                        found, ignored, truths, np.append(boxes, -1)[nearest].astype(np.int32))


def _outside(areas: np.ndarray) -> np.ndarray:
    """Return bool [A, N]: which of `areas` [N] are of another size."""
    ranges = np.array(list(SIZES.values()))
    return (areas < ranges[:, :1]) | (areas > ranges[:, 1:])


def _starts(images: np.ndarray, count: int) -> np.ndarray:
    """Return int64 [count + 1]: where each image's rows begin, in `images` [N], rising."""
    return np.searchsorted(images, np.arange(count + 1))


@compiled
def _match_images(boxes, crowd, ignore, box_starts, found_boxes, starts, position, thresholds, ignored):
    """Match one class. B boxes and D detections lie image by image, detections best first.

    boxes [B, 4], crowd [B], ignore [A, B], box_starts [I + 1]; found_boxes [D, 4], starts [I + 1], position [D],
    where the result of each detection goes. Writes to ignored, bool [A, T, D], for those that meet a box. Returns
    found, likewise, and nearest int64 [D], the box met at the first threshold in the first range, or -1.
    """
    found, nearest = np.zeros_like(ignored), np.full(len(found_boxes), -1)
    for i in range(len(starts) - 1):
        own = slice(box_starts[i], box_starts[i + 1])
        if starts[i] == starts[i + 1] or box_starts[i] == box_starts[i + 1]:
            continue
        overlaps = overlaps_of(found_boxes[starts[i]:starts[i + 1]], boxes[own], crowd[own])
        near = _rows_reaching(overlaps, thresholds[0])
        overlaps, places = overlaps[near], position[starts[i] + near]
        met, taken = np.empty(len(near), np.int64), np.empty(len(boxes[own]), np.bool_)
        for a in range(len(ignore)):
            order = np.argsort(ignore[a, own], kind="mergesort")
            for t in range(len(thresholds)):
                _match_image(overlaps, order, crowd[own], ignore[a, own], thresholds[t], met, taken)
                for d in range(len(near)):
                    if met[d] >= 0:
                        box = box_starts[i] + met[d]
                        ignored[a, t, places[d]], found[a, t, places[d]] = ignore[a, box], not ignore[a, box]
                        if a == 0 and t == 0:
                            nearest[places[d]] = box
    return found, nearest


@compiled
def _rows_reaching(overlaps, least):
    """Return int64 [N]: the rows of `overlaps` [D, B] in which one is at least `least`."""
    rows, count = np.empty(len(overlaps), np.int64), 0
    for d in range(len(overlaps)):
        for overlap in overlaps[d]:
            if overlap >= least:
                rows[count] = d
                count += 1
                break
    return rows[:count]


@compiled
def _match_image(overlaps, order, crowd, ignore, threshold, met, taken):
    """Write to `met` [D] the box that each detection takes, or -1. `order`: the boxes, ignored ones last."""
    taken[:] = False
    for d in range(len(overlaps)):
        best, best_overlap = -1, threshold
        for b in order:
            if taken[b] and not crowd[b]:
                continue
            if best >= 0 and not ignore[best] and ignore[b]:
                break  # a box to be found outdoes any that is not
            if overlaps[d, b] >= best_overlap:
                best, best_overlap = b, overlaps[d, b]
        met[d] = best
        if best >= 0:
            taken[best] = True


@compiled
def overlaps_of(found_boxes, boxes, crowd):
    """Return float64 [D, B], IoU of [x, y, width, height]; of a crowd, the share of the detection inside it."""
    overlaps = np.zeros((len(found_boxes), len(boxes)))
    for d in range(len(found_boxes)):
        x, y, width, height = found_boxes[d]
        for b in range(len(boxes)):
            left, top, wide, high = boxes[b]
            across = min(x + width, left + wide) - max(x, left)
            down = min(y + height, top + high) - max(y, top)
            if across > 0 and down > 0:
                both, own = across * down, width * height
                overlaps[d, b] = both / (own if crowd[b] else own + wide * high - both)
    return overlaps
