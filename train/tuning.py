"""A tuning split, cut from the training subset: it chooses when to stop, so that the validation images never do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from datasets.annotations import Annotations, for_training
from datasets.errors import InputError
from datasets.files import write_json
from datasets.orders.hold_out import held_out
from detectors.detector import Detector
from evaluate.coco import ALL, score
from evaluate.detect import build_predictor, detect
from evaluate.run import BATCH_SIZE
from records.pipeline import validation_batches
from study.config import Tuning
from train.looks import Look, read_looks

SALT = "tuning"  # unlike that of a validation set held out, which would otherwise be the same images


class Looks:
    """Every look so far. The file at `path` is the state: a training that was killed goes on with it.

    `write` is False for a worker that leaves files to another; `report` is told of every look once it is noted.
    """

    def __init__(self, path: Path, rule: Tuning, write: bool = True, report: Callable[[Look], None] | None = None):
        self.path, self.rule, self.write, self.report = path, rule, write, report
        noted = read_looks(path)
        self.images, self.looks, self.finished = noted.images, noted.looks, noted.finished  # images in the split

    @property
    def best(self) -> Look:
        """The look with the highest AP, of equal ones the last: an untrained detector's zeros are no reason to stop."""
        return max(self.looks, key=lambda look: (look.ap, look.step))

    @property
    def stopped(self) -> bool:
        """Whether the last `patience` looks were none the better."""
        later = [look for look in self.looks if look.step > self.best.step]
        return bool(self.rule.patience) and len(later) >= self.rule.patience

    def forget_after(self, step: int) -> None:
        """Drop looks at weights that no checkpoint holds any more."""
        kept = [look for look in self.looks if look.step <= step]
        self.looks, self.finished = kept, self.finished and kept == self.looks

    @property
    def last_step(self) -> int:
        """The step of the last look, 0 before the first."""
        return self.looks[-1].step if self.looks else 0

    def due(self, steps: int) -> list[int]:
        """Return the steps at which to look, of a training of `steps` steps; its end is the last of them."""
        return [step for step in (*range(self.rule.every, steps, self.rule.every), steps) if step > self.last_step]

    def add(self, look: Look) -> None:
        """Note a look."""
        self.looks.append(look)
        self._save()
        if self.report:
            self.report(look)

    def finish(self) -> None:
        """Note that there will be no more."""
        self.finished = True
        self._save()

    def _save(self) -> None:
        if self.write:
            write_json(self.path, {"images": self.images, "finished": self.finished, "best": asdict(self.best),
                                   "looks": [asdict(look) for look in self.looks]})


def cut(subset: Annotations, rule: Tuning, label: object) -> Annotations:
    """Return the images of `subset` that are the tuning split, chosen by hash of their names.

    Raises InputError, beginning with `label`, where the split or the rest of the subset has no box.
    """
    held = held_out(subset, rule.hold_out, SALT)
    split, rest = (subset.take(np.flatnonzero(side)) for side in (held, ~held))
    boxes, left = for_training(split).num_boxes, for_training(rest).num_boxes
    if not boxes or not left:
        raise InputError(f"{label}: a tuning split of {rule.hold_out:g} % of {subset.num_images} images has "
                         f"{split.num_images} images with {boxes} boxes and leaves {rest.num_images} with {left}; "
                         "change tuning.hold_out, take larger fractions, or leave tuning out of the recipe")
    return split


def judge_of(detector: Detector, split: Annotations, shards: Sequence[Path], input_size: int) -> Callable[[], float]:
    """Return a function that says what AP the detector, with the weights it has then, reaches on `split`.

    `shards` hold its images among others.
    """
    batches = validation_batches(shards, batch_size=BATCH_SIZE, input_size=input_size, only=split.image_ids.tolist())
    predict = build_predictor(detector)  # traced once for all looks
    return lambda: score(split, detect(detector, batches, split, predict)).values["AP", ALL]
