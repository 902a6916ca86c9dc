"""How long a study will take on this machine: measured on a few of its images, then added up over its runs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import tensorflow as tf
import tf_keras

from datasets.annotations import Annotations, for_training
from datasets.orders.order import subset_size
from datasets.settings import read_yaml
from detectors.detector import Detector
from evaluate.coco import score
from evaluate.detect import detect
from evaluate.result import metric_rows
from evaluate.run import BATCH_SIZE, validation_loss
from records.manifest import first_shards
from records.pipeline import validation_batches
from records.write import write_records
from study.config import CONFIGS, DetectorConfig, Study, find_recipe
from study.data import image_folder, read_train, read_validation
from study.matrix import cells, draws_of, fractions_of
from train.experiment import configure, steps_of
from train.task import DetectionTask

SAMPLE = 96  # images: three batches of an evaluation, of which the first is slower
SECONDS = 10.0  # of training steps that are timed
STEPS = 3  # of them, at least
DAY = 86_400.0
SMALL = "ssd_mobilenet_v2_small"  # whose size is proposed where a study takes longer than a day


@dataclass(frozen=True)
class Speed:
    """What a detector takes on this device, in seconds."""

    start: float  # of a training, until its first step is done
    step: float  # of training
    judge: float  # of an evaluation, besides its images
    image: float  # of an evaluation
    record: float  # of an image


@dataclass(frozen=True)
class Share:
    """What the subsets of one fraction take."""

    fraction: float  # per cent
    images: int
    steps: int  # of each run
    runs: int
    seconds: float


def estimate(study: Study) -> str:
    """Return how long `study`, of one data set and one detector, takes on this device, as lines for a terminal.

    Raises InputError for an image that cannot be used.
    """
    dataset, detector = study.datasets[0], study.detectors[0]
    train, images = read_train(dataset), image_folder(dataset, dataset.train)
    validation = read_validation(dataset).num_images
    speed = measure(study, detector, train, images)
    shares = add_up(study, speed, train.num_images, validation)
    lines = [f"  {1000 * speed.step:,.0f} ms a training step of {find_recipe(study, detector).batch_size} images, "
             f"{1000 * speed.image:,.0f} ms a validation image, {speed.start + speed.judge:.0f} s to start a run",
             *(f"  {share.fraction:>5g} %  {share.images:>7,} images  {share.steps:>7,} steps  {share.runs} "
               f"run{'s' if share.runs > 1 else ' '}  {spell(share.seconds):>12}" for share in shares)]
    writing = records_of(study, train.num_images, validation) * speed.record
    total = writing + sum(share.seconds for share in shares)
    lines.append(f"  with {spell(writing)} for records, in all {spell(total)}")
    if total > DAY:
        lines += _suggest(study, shares, writing, train, images, validation)
    return "\n".join(lines)


def measure(study: Study, detector: DetectorConfig, train: Annotations, images: Path) -> Speed:
    """Train and evaluate `detector` for some seconds on a sample of `train`, whose files lie in `images`.

    Raises InputError for an image that cannot be used.
    """
    sample = _sample(train)
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder, "records")
        written = _time(lambda: write_records(
            for_training(sample), images, records, stored_size=detector.stored_size, label="timing, records"))
        start, step, trained = _time_training(study, detector, sample, records)
        judge, image = _time_evaluation(study, detector, trained, sample, records)
    return Speed(start, step, judge, image, written / sample.num_images)


def add_up(study: Study, speed: Speed, images: int, validation: int) -> list[Share]:
    """Return what each fraction of `images` takes, every run judged on `validation` images."""
    shares = []
    for fraction in study.fractions:
        size = subset_size(fraction, images)
        runs = sum(cell.fraction == fraction for cell in cells(study))
        steps = steps_of(find_recipe(study, study.detectors[0]), size)
        run = speed.start + steps * speed.step + speed.judge + validation * speed.image
        shares.append(Share(fraction, size, steps, runs, runs * run))
    return shares


def records_of(study: Study, images: int, validation: int) -> int:
    """Return of how many images records are written: the validation's, and those of each draw's largest subset."""
    return validation + sum(subset_size(fractions_of(study, draw)[-1], images) for draw in draws_of(study))


def spell(seconds: float) -> str:
    """Return a time as two units at most, such as "2 h 10 min"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "1 min" if seconds >= 30 else f"{max(1, round(seconds))} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24} h"


def _suggest(study: Study, shares: list[Share], writing: float, train: Annotations, images: Path,
             validation: int) -> list[str]:
    """Return what would take less time: a smaller detector with the same recipe, or the first subsets alone."""
    settings = read_yaml(CONFIGS / "models" / f"{SMALL}.yaml")
    size = {key: settings[key] for key in ("width", "input_size", "stored_size")}
    small = msgspec.structs.replace(study.detectors[0], **size)
    speed = measure(study, small, train, images)
    other = msgspec.structs.replace(study, detectors=(small,))
    seconds = (sum(share.seconds for share in add_up(other, speed, train.num_images, validation))
               + records_of(study, train.num_images, validation) * speed.record)
    fitted = sum(share.fraction <= study.forecast.fit_up_to for share in shares)
    first = shares[:fitted + 1]
    return ["More than a day. What would take less:",
            f"  under detectors, {', '.join(f'{key}: {value}' for key, value in size.items())}, as in {SMALL}: "
            f"{spell(seconds)}",
            f"  fractions up to {first[-1].fraction:g}, which are fitted but for the last, with which the forecast is "
            f"compared: {spell(writing + sum(share.seconds for share in first))}"]


def _sample(train: Annotations) -> Annotations:
    """Return at most SAMPLE images, evenly spread over those with boxes to learn from."""
    labelled = np.flatnonzero(np.diff(for_training(train).starts))
    return train.take(labelled[np.linspace(0, len(labelled) - 1, min(SAMPLE, len(labelled))).astype(int)])


def _time(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _time_training(study: Study, detector: DetectorConfig, sample: Annotations,
                   records: Path) -> tuple[float, float, Detector]:
    """Return the seconds until the first step is done and of each further one, and the detector."""
    began = time.monotonic()
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(1)
    params = configure(detector, find_recipe(study, detector), num_classes=len(sample.categories),
                       shards=[str(shard) for shard in first_shards(records, sample.num_images)],
                       images=sample.num_images, seed=0, start_step=0, checkpoint_every=study.checkpoint_every,
                       num_gpus=min(1, len(tf.config.list_physical_devices("GPU"))))
    strategy = tf.distribute.OneDeviceStrategy("gpu:0" if params.runtime.num_gpus else "cpu:0")
    with strategy.scope():
        task = DetectionTask(params.task)
        model = task.build_model()
        optimizer = task.create_optimizer(params.trainer.optimizer_config, params.runtime)

    @tf.function  # of the iterator: batches differ in their number of boxes, and would be traced anew
    def step(batches):
        return strategy.run(task.train_step, args=(next(batches), model, optimizer))[task.loss]

    batches = iter(task.build_inputs(params.task.train_data))
    float(step(batches))
    start, count, began = time.monotonic() - began, 0, time.monotonic()
    while count < STEPS or time.monotonic() - began < SECONDS:
        float(step(batches))  # the number has to come back: a device may run behind the program
        count += 1
    return start, (time.monotonic() - began) / count, task.detector


def _time_evaluation(study: Study, config: DetectorConfig, detector: Detector, sample: Annotations,
                     records: Path) -> tuple[float, float]:
    """Return the seconds of an evaluation besides its images, and of each image."""
    size = min(BATCH_SIZE, max(1, sample.num_images // 2))
    batches = validation_batches(first_shards(records, sample.num_images), batch_size=size,
                                 input_size=config.input_size)
    stamps: list[float] = [time.monotonic()]
    detections = detect(detector, _stamp(batches, stamps), sample)
    detecting = split_first(stamps, size, sample.num_images)
    stamps = [time.monotonic()]
    validation_loss(detector, _stamp(batches, stamps))
    losing = split_first(stamps, size, sample.num_images)
    metric_rows(score(sample, detections), study.bootstrap)  # compiles what a process compiles once
    scoring = _time(lambda: metric_rows(score(sample, detections), study.bootstrap))
    return detecting[0] + losing[0], detecting[1] + losing[1] + scoring / sample.num_images


def _stamp(batches: Iterable, stamps: list[float]) -> Iterator:
    """Yield `batches` and note when each is asked for after the first, and when no more is."""
    for number, batch in enumerate(batches):
        if number:
            stamps.append(time.monotonic())
        yield batch
    stamps.append(time.monotonic())


def split_first(stamps: Sequence[float], size: int, images: int) -> tuple[float, float]:
    """Return what the first batch takes besides its images, and what an image takes, in seconds.

    `stamps` are the start and the end of each batch; all `images` but those of the last have `size`.
    """
    first, others = stamps[1] - stamps[0], stamps[-1] - stamps[1]
    image = others / (images - size) if images > size else first / images
    return max(0.0, first - size * image), image
