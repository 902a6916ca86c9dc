"""What a detector got wrong, by kind, and which images show it.

The kinds are those of D. Bolya et al., "TIDE: A General Toolbox for Identifying Object Detection Errors", ECCV 2020,
section 2.2. Unlike there, a detection on an object is judged by that object first: one that also overlaps another of
its own class a little is an error of classification, not of localization.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.annotations import Annotations
from evaluate.detections import Detections
from evaluate.matches import ClassMatches, overlaps_of

RIGHT, DUPLICATE, CLASSIFICATION, LOCALIZATION, BOTH, BACKGROUND, MISSED = (
    "right", "duplicate", "classification", "localization", "both", "background", "missed")
KINDS = (RIGHT, DUPLICATE, CLASSIFICATION, LOCALIZATION, BOTH, BACKGROUND)
UNCOUNTED = -1
ON, NEAR = 0.5, 0.1  # IoU from which on a detection lies on an object, or by it
SHARE = 3  # no kind of mistake and no class gets more than one in so many of the examples while there are others


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What became of D detections and B true boxes at IoU 0.5, as COCOeval counts them."""

    kinds: np.ndarray  # int8 [D], position in KINDS; UNCOUNTED: below the score, on a crowd, beyond the best 100, or
    # of a class without boxes, which AP leaves out
    missed: np.ndarray  # bool [B], met by no detection that counts; never a crowd

    def count(self) -> dict[str, int]:
        """Return how many there are of each of KINDS, and how many boxes are MISSED."""
        counts = np.bincount(self.kinds[self.kinds >= 0], minlength=len(KINDS)).tolist()
        return dict(zip(KINDS, counts)) | {MISSED: int(self.missed.sum())}


@dataclass(frozen=True)
class Example:
    """A mistake, and the image that shows it."""

    image: int  # position in the truth
    kind: str  # one of KINDS but RIGHT, or MISSED
    row: int  # of the detection, or of the box that is missed


@dataclass(frozen=True, eq=False)
class _Queue:
    """N candidates, the worst first. MISSED comes after KINDS."""

    rows: np.ndarray  # int [N]
    kinds: np.ndarray  # int [N]
    images: np.ndarray  # int [N]
    classes: np.ndarray  # int [N]


def judge(truth: Annotations, detections: Detections, matches: Sequence[ClassMatches], min_score: float) -> Verdicts:
    """Say what became of every detection with a score of at least `min_score`, and of every box."""
    kinds = np.full(len(detections), UNCOUNTED, np.int8)
    met = truth.crowd.copy()
    for each in matches:
        if not each.truths[0].any():
            continue
        counted = (each.scores >= min_score) & ~each.ignored[0, 0]
        found = counted & each.found[0, 0]
        kinds[each.rows[found]] = KINDS.index(RIGHT)
        met[each.nearest[found]] = True
        kinds[each.rows[counted & ~found]] = KINDS.index(BACKGROUND)
    _tell_apart(truth, detections, kinds)
    return Verdicts(kinds, ~met)


def _tell_apart(truth: Annotations, detections: Detections, kinds: np.ndarray) -> None:
    """Change the kind of those in `kinds` [D] that are BACKGROUND so far but have to do with an object."""
    rows = np.flatnonzero(kinds == KINDS.index(BACKGROUND))
    rows = rows[np.argsort(detections.images[rows], kind="stable")]
    images, starts = np.unique(detections.images[rows], return_index=True)
    for image, group in zip(images, np.split(rows, starts[1:])):
        boxes = slice(truth.starts[image], truth.starts[image + 1])
        real = ~truth.crowd[boxes]
        overlap = overlaps_of(detections.boxes[group], truth.boxes[boxes][real], np.zeros(real.sum(), bool))
        same = detections.classes[group, None] == truth.classes[boxes][real]
        own, other = (np.max(overlap, axis=1, initial=0, where=where) for where in (same, ~same))
        kinds[group] = np.select([own >= ON, other >= ON, own >= NEAR, other >= NEAR], range(1, 5), 5)


def choose_examples(truth: Annotations, detections: Detections, verdicts: Verdicts, count: int) -> list[Example]:
    """Return at most `count` examples, each in an image of its own, mistakes and misses in turn.

    The most confident mistake and the largest missed box, by its share of the image, come first. No kind of mistake
    and no class gets more than a third of the examples while there are others. Where either runs out the other goes on.
    """
    queues = (_mistakes(detections, verdicts), _misses(truth, verdicts))
    free, limit = np.ones(truth.num_images, bool), max(1, count // SHARE)
    kinds, classes = np.zeros(len(KINDS) + 1, int), np.zeros(len(truth.categories), int)
    examples: list[Example] = []
    while len(examples) < count and any(free[queue.images].any() for queue in queues):
        queue = queues[len(examples) % 2]
        if not free[queue.images].any():
            queue = queues[1 - len(examples) % 2]
        excess = np.maximum(kinds[queue.kinds] + 1, limit) + np.maximum(classes[queue.classes] + 1, limit)
        at = np.argmin(np.where(free[queue.images], excess, np.iinfo(int).max))  # of equals the first
        examples.append(Example(int(queue.images[at]), [*KINDS, MISSED][queue.kinds[at]], int(queue.rows[at])))
        free[queue.images[at]] = False
        kinds[queue.kinds[at]] += 1
        classes[queue.classes[at]] += 1
    return examples


def _mistakes(detections: Detections, verdicts: Verdicts) -> _Queue:
    """Return the mistakes, the most confident first."""
    rows = np.flatnonzero(verdicts.kinds > KINDS.index(RIGHT))
    rows = rows[np.argsort(-detections.scores[rows], kind="stable")]
    return _Queue(rows, verdicts.kinds[rows], detections.images[rows], detections.classes[rows])


def _misses(truth: Annotations, verdicts: Verdicts) -> _Queue:
    """Return the missed boxes, those that cover most of their image first."""
    rows = np.flatnonzero(verdicts.missed)
    images = truth.image_of_box()[rows]
    share = truth.boxes[rows, 2:].prod(axis=1) / (truth.widths[images] * truth.heights[images].astype(float))
    order = np.argsort(-share, kind="stable")
    return _Queue(rows[order], np.full(len(rows), len(KINDS)), images[order], truth.classes[rows[order]])
