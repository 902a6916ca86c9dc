"""The training of one cell: a detector of the study on one subset, from its start or from where it was killed."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from datasets.annotations import Annotations, boxes_per_class, for_training
from datasets.errors import InputError
from datasets.files import read_json, write_json
from detectors.checkpoints.checkpoint import restore
from detectors.detector import build
from records.manifest import Corrupt, check_share, corrupt_of, describe, first_shards
from records.scan import rescan
from study.checkpoints import checkpoint_prefix
from study.config import DatasetConfig, DetectorConfig, Recipe, Study, find_dataset, find_detector, find_recipe
from study.data import image_bytes, image_folder, read_subset
from study.identity import claim, fingerprint, training_inputs
from study.layout import RunFolder, StudyFolder
from study.matrix import Cell
from train.experiment import configure
from train.loop import Pass, last_step, train
from train.strategy import check_batch, is_chief, precision, prepare, runtime_settings
from train.tuning import Looks, cut, judge_of


@dataclass(frozen=True)
class Training:
    """What is known of a finished training; the content of training.json."""

    fingerprint: str
    images: int
    boxes: int
    steps: int  # that the weights were trained for
    resumed_at: int  # step at which the last process took over; 0 if it ran in one go
    checkpoint: str  # file name under the run's checkpoints
    seconds: float  # of that last process's training, without its start
    images_per_second: float
    loss: float | None  # training loss at the end, with weight decay; None where the last process had no step to take
    device: str
    chosen: str = "last"  # "best": by the tuning split; "whole": the whole subset, for the steps that were best so
    tuning_images: int = 0  # of `images`, that chose
    tuning_steps: int = 0  # trained in order to choose
    skipped: int = 0  # of `images`, that cannot be decoded
    class_boxes: dict[str, int] = field(default_factory=dict)  # the same boxes by class


@dataclass(frozen=True)
class Job:
    """What stays the same over the passes of a cell's training."""

    study: Study
    cell: Cell
    dataset: DatasetConfig
    detector: DetectorConfig
    recipe: Recipe
    subset: Annotations
    records: Path
    run: RunFolder
    strategy: tf.distribute.Strategy


def train_cell(study: Study, folder: StudyFolder, cell: Cell, device: str) -> Training:
    """Train `cell` unless that is done, and return what is known of the training.

    Raises InputError if the folder holds a run of other inputs, if the records are missing, if there is nothing to
    learn from, if too many images cannot be decoded, or if the loss diverges.
    """
    dataset, detector = find_dataset(study, cell.dataset), find_detector(study, cell.detector)
    subset, run = read_subset(folder, dataset, cell), folder.run(cell)
    inputs = training_inputs(study, cell, subset, image_bytes(subset, image_folder(dataset, dataset.train)))
    if not run.training.exists():
        check_cell(study, folder, cell)
    claim(run, inputs)
    if run.training.exists():
        return Training(**read_json(run.training))
    recipe, strategy = find_recipe(study, detector), prepare(study.runtime)
    records = folder.train_records(cell.dataset, detector.stored_size, cell.draw)
    job = Job(study, cell, dataset, detector, recipe, subset, records, run, strategy)
    training = _train(job, fingerprint(inputs), device)
    if is_chief(strategy):
        write_json(run.training, asdict(training))
    return training


def check_cell(study: Study, folder: StudyFolder, cell: Cell) -> None:
    """Raise InputError for what would stop the training of `cell` and can be told before: its subset and its batch."""
    subset = read_subset(folder, find_dataset(study, cell.dataset), cell)
    recipe = find_recipe(study, find_detector(study, cell.detector))
    _refuse_nothing(subset, cell)
    check_batch(recipe.batch_size, prepare(study.runtime), cell)
    if recipe.tuning:
        cut(subset, recipe.tuning, cell)


def check_checkpoint(detector: DetectorConfig, recipe: Recipe, classes: Sequence[str]) -> None:
    """Raise InputError unless a detector for `classes` can start from its checkpoint as the recipe says."""
    if detector.checkpoint:
        fresh = build(detector.kind, len(classes), input_size=detector.input_size, width=detector.width)
        restore(fresh, checkpoint_prefix(detector.checkpoint), recipe.restore, classes)


def _train(job: Job, identity: str, device: str) -> Training:
    """Train the passes that the recipe asks for: one, or one that finds the number of steps and one on all images."""
    rule, run = job.recipe.tuning, job.run
    looks = Looks(run.tuning, rule, is_chief(job.strategy)) if rule else None
    if looks is None:
        last, chosen = _pass(job, run.checkpoints), "last"
    elif looks.rule.then == "best":
        last, chosen = _pass(job, run.checkpoints, looks), "best"
    else:
        if not looks.finished:
            _pass(job, run.tuning_checkpoints, looks)
        last, chosen = _pass(job, run.checkpoints, stop_at=looks.best.step), "whole"
    boxes = for_training(job.subset)
    return Training(
        fingerprint=identity, images=job.subset.num_images, boxes=boxes.num_boxes, steps=last.steps,
        resumed_at=last.start_step, checkpoint=last.checkpoint, seconds=round(last.seconds, 2),
        images_per_second=_rate(last, job.recipe), loss=last.loss if math.isfinite(last.loss) else None,
        device=device, chosen=chosen,
        tuning_images=looks.images if looks else 0, tuning_steps=looks.looks[-1].step if looks else 0,
        skipped=len(_corrupt(job)), class_boxes=dict(zip(boxes.categories, boxes_per_class(boxes).tolist())),
    )


def _pass(job: Job, checkpoints: Path, looks: Looks | None = None, stop_at: int | None = None) -> Pass:
    """Train from the last checkpoint on; where an image turns out to be damaged, go on without it."""
    while True:
        try:
            with precision(job.study.runtime):
                return _attempt(job, checkpoints, looks, stop_at)
        except (tf.errors.InvalidArgumentError, tf.errors.DataLossError) as error:
            _find_damaged(job, str(error).strip().splitlines()[0])


def _attempt(job: Job, checkpoints: Path, looks: Looks | None, stop_at: int | None) -> Pass:
    shards = first_shards(job.records, job.subset.num_images)
    leave_out = [image.image_id for image in _corrupt(job)]
    judge = None
    if looks:
        split = cut(_without(job.subset, leave_out), looks.rule, job.cell)
        looks.images = split.num_images
        leave_out += split.image_ids.tolist()
        judge = partial(judge_of, split=split, shards=shards, input_size=job.detector.input_size)
    _refuse_nothing(_without(job.subset, leave_out), job.cell)
    params = configure(
        job.detector, job.recipe, classes=job.subset.categories, shards=[str(shard) for shard in shards],
        images=job.subset.num_images, seed=job.cell.seed, start_step=last_step(checkpoints),
        checkpoint_every=job.study.checkpoint_every, runtime=runtime_settings(job.study.runtime), leave_out=leave_out,
        stop_at=stop_at)
    label = f"{job.cell}, tuning" if checkpoints == job.run.tuning_checkpoints else str(job.cell)
    return train(params, job.strategy, job.run, checkpoints, label, looks, judge)


def _corrupt(job: Job) -> list[Corrupt]:
    """Return the subset's images that cannot be decoded. Raises InputError for more than the data set may have."""
    corrupt = corrupt_of(job.records, job.subset.num_images)
    check_share(corrupt, job.subset.num_images, job.dataset.max_corrupt, str(job.cell))
    return corrupt


def _find_damaged(job: Job, reason: str) -> None:
    """Look for images that have become unreadable since the records were written, and say which are left out now.

    Raises InputError where there are none, or more than the data set may have.
    """
    found = rescan(job.records, job.subset.num_images)
    if not found:
        raise InputError(f"{job.cell}: stopped ({reason}), though every image can be decoded; if it stops again, "
                         f"delete {job.records} and run it again")
    _corrupt(job)
    print(f"{job.cell}: left out from now on, as they cannot be decoded: {describe(found)}; going on from the last "
          "checkpoint", file=sys.stderr, flush=True)


def _refuse_nothing(images: Annotations, cell: Cell) -> None:
    if not images.categories:
        raise InputError(f"{cell}: {images.source} has no classes; name at least one")
    if not for_training(images).num_boxes:
        raise InputError(f"{cell}: its {images.num_images} images hold no box to learn from; take a larger fraction")


def _without(images: Annotations, ids: list[int]) -> Annotations:
    return images.take(np.flatnonzero(~np.isin(images.image_ids, ids)))


def _rate(last: Pass, recipe: Recipe) -> float:
    """Return the images per second of this process, 0 where it found nothing left to do."""
    return round((last.trained - last.start_step) * recipe.batch_size / last.seconds, 2) if last.seconds else 0.0
