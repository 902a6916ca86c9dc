"""The passes of a training: one, or one that finds the number of steps and one on all images."""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from datasets.annotations import Annotations, boxes_per_class, for_training
from datasets.errors import FULL, InputError
from datasets.files import read_json, whole_file
from records.manifest import Corrupt, DamagedRecords, check_share, corrupt_of, describe, first_shards, reason_of
from records.prepare import prepare as prepare_records
from records.scan import rescan
from study.config import DatasetConfig, DetectorConfig, Recipe, Study
from study.layout import RunFolder, StudyFolder
from study.matrix import Cell
from study.provenance import utc_now
from study.searched import Found
from study.trials import search_of
from train.experiment import configure
from train.loop import Pass, train
from train.progress import Follow
from train.resume import best_name, resume
from train.spent import Spent
from train.strategy import is_chief, precision, runtime_settings
from train.training import Training
from train.tuning import Look, Looks, cut, judge_of

AGAIN = "give the same command again on every machine, to go on from the last checkpoint"


@dataclass(frozen=True)
class Job:
    """What stays the same over the passes of a cell's training."""

    study: Study
    folder: StudyFolder
    cell: Cell
    dataset: DatasetConfig
    detector: DetectorConfig
    recipe: Recipe
    subset: Annotations
    records: Path
    run: RunFolder
    strategy: tf.distribute.Strategy
    name: str  # the cell, and which trial of its search this is
    spent: Spent
    follow: Follow  # is told of losses and looks
    found: Found | None = None  # by the search whose best trial says how to train
    report: Callable[[Look], None] | None = None  # is told of every look at the tuning split


def train_passes(job: Job, identity: str, device: str) -> Training:
    """Train the passes that the recipe asks for: one, or one that finds the number of steps and one on all images.

    A searched cell follows its search, which found settings and steps, or weights.
    """
    rule, run = job.recipe.tuning, job.run
    looks = Looks(run.tuning, rule, is_chief(job.strategy), job.report) if rule else None
    if job.found:
        last, chosen = _follow(job, job.found)
    elif looks is None:
        last, chosen = _pass(job, run.checkpoints), "last"
    elif looks.rule.then == "best":
        last, chosen = _pass(job, run.checkpoints, looks), "best"
    else:
        if not looks.finished:
            _pass(job, run.tuning_checkpoints, looks)
        last, chosen = _pass(job, run.checkpoints, stop_at=looks.best.step), "whole"
    boxes, total = for_training(job.subset), job.spent.total
    # A searched run that takes the weights of a trial has trained nothing itself.
    seconds, timed = (total.seconds, total.steps) if total.seconds else (last.seconds, last.trained - last.start_step)
    return Training(
        fingerprint=identity, images=job.subset.num_images, boxes=boxes.num_boxes, steps=last.steps,
        resumed_at=last.start_step, checkpoint=last.checkpoint, seconds=round(seconds, 2),
        images_per_second=round(timed * job.recipe.batch_size / seconds, 2) if seconds else 0.0,
        loss=last.loss if math.isfinite(last.loss) else None,
        device=device, chosen=chosen,
        tuning_images=looks.images if looks else job.found.images if job.found else 0,
        tuning_steps=looks.looks[-1].step if looks else sum(t.steps for t in job.found.trials) if job.found else 0,
        skipped=len(_corrupt(job)), class_boxes=dict(zip(boxes.categories, boxes_per_class(boxes).tolist())),
        timed_steps=timed, joules=total.joules, processes=total.processes, started=total.started, ended=utc_now(),
        trained_by=total.origins,
    )


def _follow(job: Job, found: Found) -> tuple[Pass, str]:
    """Train the whole subset as the best trial was, for as many steps as were best, or take its weights."""
    best = found.best
    if search_of(job.study).then == "whole":
        return _pass(job, job.run.checkpoints, stop_at=best.step), "whole"
    trial, name = job.run.trial(best.trial), best_name(best.step)
    job.run.checkpoints.mkdir(parents=True, exist_ok=True)
    for file in sorted(trial.checkpoints.glob(f"{name}.*")):  # the data before the index, without which it is none
        with whole_file(job.run.checkpoints / file.name) as part:
            shutil.copyfile(file, part)
    trained = read_json(trial.training) if trial.training.exists() else {"seconds": best.seconds, "loss": None}
    loss = math.nan if trained["loss"] is None else trained["loss"]
    return Pass(name, best.step, best.steps, 0, trained["seconds"], loss), "best"


def _pass(job: Job, checkpoints: Path, looks: Looks | None = None, stop_at: int | None = None) -> Pass:
    """Train from the last checkpoint on; where an image turns out to be damaged, go on without it.

    Raises InputError where another worker is gone: TensorFlow cannot go on with those that are left.
    """
    several, anew = job.study.runtime.distribution == "multi_worker", False
    while True:
        try:
            with precision(job.study.runtime):
                return _attempt(job, checkpoints, looks, stop_at)
        except (tf.errors.InvalidArgumentError, tf.errors.DataLossError) as error:
            anew = _mend_records(job, reason_of(error), anew)
            if several:
                raise InputError(f"{job.name}: {AGAIN}") from None
        except tf.errors.OpError as error:
            if not several or any(os.strerror(code) in str(error) for code in FULL):
                raise
            raise InputError(f"{job.name}: another worker is gone ({reason_of(error)}); {AGAIN}") from None


def _attempt(job: Job, checkpoints: Path, looks: Looks | None, stop_at: int | None) -> Pass:
    label = f"{job.name}, tuning" if checkpoints == job.run.tuning_checkpoints else job.name
    start = resume(checkpoints, label, looks, is_chief(job.strategy))
    shards = first_shards(job.records, job.subset.num_images)
    leave_out = [image.image_id for image in _corrupt(job)]
    judge = None
    if looks:
        split = cut(_without(job.subset, leave_out), looks.rule, job.name)
        looks.images = split.num_images
        leave_out += split.image_ids.tolist()
        judge = partial(judge_of, split=split, shards=shards, input_size=job.detector.input_size)
    refuse_nothing(_without(job.subset, leave_out), job.name)
    params = configure(
        job.detector, job.recipe, classes=job.subset.categories, shards=[str(shard) for shard in shards],
        images=job.subset.num_images, seed=job.cell.seed, start_step=start,
        checkpoint_every=job.study.checkpoint_every, runtime=runtime_settings(job.study.runtime), leave_out=leave_out,
        stop_at=stop_at)
    return train(params, job.strategy, job.run, checkpoints, label, looks, judge, job.spent,
                 job.follow if checkpoints == job.run.checkpoints else _under("tuning", job.follow))


def _corrupt(job: Job) -> list[Corrupt]:
    """Return the subset's images that cannot be decoded. Raises InputError for more than the data set may have."""
    corrupt = corrupt_of(job.records, job.subset.num_images)
    check_share(corrupt, job.subset.num_images, job.dataset.max_corrupt, job.name)
    return corrupt


def _mend_records(job: Job, reason: str, made_anew: bool) -> bool:
    """Leave out what is damaged of the records, or make them anew where files are, once. Return whether that was done.

    Raises InputError as `_find_damaged`.
    """
    try:
        _find_damaged(job, reason)
    except DamagedRecords as error:
        if made_anew:
            raise
        print(f"{job.name}: {error}: that is done now", file=sys.stderr, flush=True)
        prepare_records(job.study, job.folder, job.dataset, job.records)
        made_anew = True
    return made_anew


def _find_damaged(job: Job, reason: str) -> None:
    """Look for images that have become unreadable since the records were written, and say which are left out now.

    Raises InputError where there are none, or more than the data set may have.
    """
    found = rescan(job.records, job.subset.num_images)
    if not found:
        raise InputError(f"{job.name}: stopped ({reason}), though every image can be decoded; if it stops again, "
                         f"delete {job.records} and run it again")
    _corrupt(job)
    print(f"{job.name}: left out from now on, as they cannot be decoded: {describe(found)}; going on from the last "
          "checkpoint", file=sys.stderr, flush=True)


def refuse_nothing(images: Annotations, name: object) -> None:
    """Raise InputError for images without a class or a box. `name` is what trains on them."""
    if not images.categories:
        raise InputError(f"{name}: {images.source} has no classes; name at least one")
    if not for_training(images).num_boxes:
        raise InputError(f"{name}: its {images.num_images} images hold no box to learn from; take a larger fraction")


def _without(images: Annotations, ids: list[int]) -> Annotations:
    return images.take(np.flatnonzero(~np.isin(images.image_ids, ids)))


def _under(folder: str, follow: Follow) -> Follow:
    """Return what follows another pass of the same run: its figures go by names of their own."""
    return lambda values, step: follow({f"{folder}/{name.removeprefix(f'{folder}_')}": value
                                        for name, value in values.items()}, step)
