"""The training of one cell: a detector of the study on one subset, from its start or from where it was killed."""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from datasets.annotations import Annotations, boxes_per_class, for_training
from datasets.errors import FULL, InputError
from datasets.files import read_json, remove_parts, whole_file, write_json
from detectors.checkpoints.checkpoint import restore
from detectors.detector import build
from records.manifest import Corrupt, DamagedRecords, check_share, corrupt_of, describe, first_shards, reason_of
from records.prepare import prepare as prepare_records
from records.scan import rescan
from study.checkpoints import checkpoint_prefix
from study.config import DatasetConfig, DetectorConfig, Recipe, Study, find_dataset, find_detector, find_recipe
from study.data import image_bytes, image_folder, read_subset
from study.identity import claim, fingerprint, training_inputs
from study.layout import RunFolder, StudyFolder
from study.matrix import Cell
from study.provenance import utc_now
from study.search import Settings
from study.searched import Found, read_found
from study.tracking.follow import Tracking, open_tracking, parameters_of
from study.trials import apply, search_of, trial_study, tuning_of
from train.experiment import configure
from train.loop import Pass, train
from train.progress import Follow
from train.resume import best_name, is_whole, resume
from train.spent import Spent, begin
from train.strategy import check_batch, is_chief, precision, prepare, runtime_settings
from train.tuning import Look, Looks, cut, judge_of

AGAIN = "give the same command again on every machine, to go on from the last checkpoint"


@dataclass(frozen=True)
class Training:
    """What is known of a finished training; the content of training.json."""

    fingerprint: str
    images: int
    boxes: int
    steps: int  # that the weights were trained for
    resumed_at: int  # step at which the last process took over; 0 if it ran in one go
    checkpoint: str  # file name under the run's checkpoints
    seconds: float  # of training steps in all processes, up to the last checkpoint of those that were killed
    images_per_second: float  # in these seconds
    loss: float | None  # training loss at the end, with weight decay; None where the last process had no step to take
    device: str
    chosen: str = "last"  # "best": by the tuning split; "whole": the whole subset, for the steps that were best so
    tuning_images: int = 0  # of `images`, that chose
    tuning_steps: int = 0  # trained in order to choose
    skipped: int = 0  # of `images`, that cannot be decoded
    class_boxes: dict[str, int] = field(default_factory=dict)  # the same boxes by class
    timed_steps: int = 0  # that took these seconds; more than `steps` where another pass found their number
    joules: float | None = None  # that the devices took in these seconds; None where they do not tell
    processes: int = 1  # that trained
    started: str = ""  # UTC
    ended: str = ""
    trained_by: list[dict[str, Any]] = field(default_factory=list)  # code, packages, host, device: one per kind


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


def train_cell(study: Study, folder: StudyFolder, cell: Cell, device: str) -> Training:
    """Train `cell` unless that is done, and return what is known of the training.

    Raises InputError if the folder holds a run of other inputs, if the records are missing, if there is nothing to
    learn from, if too many images cannot be decoded, if the loss diverges, or if the cell's search is not done.
    """
    return _train_run(study, folder, cell, folder.run(cell), device)


def train_trial(study: Study, folder: StudyFolder, cell: Cell, number: int, settings: Settings, device: str,
                report: Callable[[Look], None]) -> Training:
    """Train trial `number` of a searched cell unless that is done; `report` is told of every look as it is noted.

    Raises InputError as `train_cell`.
    """
    run = folder.run(cell).trial(number)
    return _train_run(trial_study(study, cell, settings), folder, cell, run, device, number, report)


def _train_run(study: Study, folder: StudyFolder, cell: Cell, run: RunFolder, device: str, trial: int | None = None,
               report: Callable[[Look], None] | None = None) -> Training:
    dataset = find_dataset(study, cell.dataset)
    subset = read_subset(folder, dataset, cell)
    inputs = training_inputs(study, cell, subset, image_bytes(subset, image_folder(dataset, dataset.train)), trial)
    if run.training.exists():
        claim(run, inputs)
        if finished := _finished(run):
            return finished
    found = read_found(run) if cell.searched and trial is None else None
    if found:
        study = apply(study, cell, found.best.settings)
    check_cell(study, folder, cell)
    if is_chief(prepare(study.runtime)):
        remove_parts(run.root)
    if not run.has_begun():
        run.spent.unlink(missing_ok=True)  # of checkpoints that are no more
    claim(run, inputs)
    detector, strategy = find_detector(study, cell.detector), prepare(study.runtime)
    records = folder.train_records(cell.dataset, detector.stored_size, cell.draw)
    name = str(cell) if trial is None else f"{cell}, trial {trial}"
    spent = begin(run.spent, device, study.runtime, is_chief(strategy))
    told = parameters_of(study, cell, inputs)
    with open_tracking(study, name, run, told, device) if is_chief(strategy) else Tracking() as tracking:
        job = Job(study, folder, cell, dataset, detector, find_recipe(study, detector), subset, records, run, strategy,
                  name, spent, tracking.metrics, found, report)
        training = _train(job, fingerprint(inputs), device)
        if trial is not None:
            tracking.finish()  # nothing else is done with it
    if is_chief(strategy):
        write_json(run.training, asdict(training))
    return training


def _finished(run: RunFolder) -> Training | None:
    """Return what training.json says, None where it or the weights that it names are damaged, which is said on stderr.

    Raises InputError where it is of another version.
    """
    try:
        training = Training(**read_json(run.training))
    except InputError as error:
        print(f"{error}: trained on from the last checkpoint", file=sys.stderr, flush=True)
        return None
    except TypeError as error:
        raise InputError(f"{run.training}: not of this version ({error}); delete it to train on from the last "
                         "checkpoint") from None
    if is_whole(run.checkpoints / training.checkpoint):
        return training
    print(f"{run.checkpoints / training.checkpoint}: not whole; trained on from what is", file=sys.stderr, flush=True)
    return None


def check_cell(study: Study, folder: StudyFolder, cell: Cell) -> None:
    """Raise InputError for what would stop the training of `cell` and can be told before: its subset and its batch."""
    subset = read_subset(folder, find_dataset(study, cell.dataset), cell)
    recipe = find_recipe(study, find_detector(study, cell.detector))
    _refuse_nothing(subset, cell)
    check_batch(recipe.batch_size, prepare(study.runtime), cell)
    if rule := tuning_of(search_of(study)) if cell.searched else recipe.tuning:
        cut(subset, rule, cell)


def check_checkpoint(detector: DetectorConfig, recipe: Recipe, classes: Sequence[str]) -> None:
    """Raise InputError unless a detector for `classes` can start from its checkpoint as the recipe says."""
    if detector.checkpoint:
        fresh = build(detector.kind, len(classes), input_size=detector.input_size, width=detector.width,
                      depth=detector.depth)
        restore(fresh, checkpoint_prefix(detector.checkpoint), recipe.restore, classes)


def _train(job: Job, identity: str, device: str) -> Training:
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
    _refuse_nothing(_without(job.subset, leave_out), job.name)
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


def _refuse_nothing(images: Annotations, name: object) -> None:
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
