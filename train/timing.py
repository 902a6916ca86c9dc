"""What training and evaluating a detector take on this device, measured on a few images for some seconds."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import orbit
import tensorflow as tf
import tf_keras

from datasets.annotations import Annotations, for_training
from detectors.detector import Detector
from evaluate.coco import score
from evaluate.detect import detect
from evaluate.result import metric_rows
from evaluate.run import BATCH_SIZE, validation_loss
from records.manifest import first_shards
from records.pipeline import validation_batches
from records.write import write_records
from study.config import DetectorConfig, Study, find_recipe
from study.rates import Rate
from train.experiment import Batches, DetectionConfig, configure
from train.strategy import check_batch, precision, prepare, runtime_settings
from train.task import DetectionTask

SAMPLE = 96  # images: three batches of an evaluation, of which the first is slower
SECONDS = 10.0  # of training steps that are timed
STEPS = 3  # of them, at least


def measure(study: Study, detector: DetectorConfig, train: Annotations, images: Path) -> Rate:
    """Train and evaluate `detector` for some seconds on a sample of `train`, whose files lie in `images`.

    Raises InputError for an image that cannot be used, and for a runtime that this machine does not have.
    """
    prepare(study.runtime)  # before anything computes
    sample = _sample(train)
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder, "records")
        written = _time(lambda: write_records(
            for_training(sample), images, records, stored_size=detector.stored_size, label="timing, records"))
        start, step, trained = _time_training(study, detector, sample, records)
        judge, image = _time_evaluation(study, detector, trained, sample, records)
    return Rate(start, step, image, judge, written / sample.num_images)


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
    """Return the seconds until the first step is done and of each further one, and the detector.

    It starts from fresh weights: those of a checkpoint take as long to train.
    """
    began = time.monotonic()
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(1)
    strategy, recipe = prepare(study.runtime), find_recipe(study, detector)
    check_batch(recipe.batch_size, strategy, detector.name)
    params = configure(detector, recipe, classes=sample.categories,
                       shards=[str(shard) for shard in first_shards(records, sample.num_images)],
                       images=sample.num_images, seed=0, start_step=0, checkpoint_every=study.checkpoint_every,
                       runtime=runtime_settings(study.runtime))
    with precision(study.runtime), strategy.scope():
        task = DetectionTask(cast(DetectionConfig, params.task))
        model = task.build_model()
        optimizer = task.create_optimizer(params.trainer.optimizer_config, params.runtime)
    compiled = params.runtime.enable_xla and params.runtime.num_gpus > 0  # as the Model Garden's trainer decides
    train_step = tf.function(task.train_step, jit_compile=True) if compiled else task.train_step

    @tf.function  # of the iterator: batches differ in their number of boxes, and would be traced anew
    def step(batches):
        losses = strategy.run(train_step, args=(next(batches), model, optimizer))[task.loss]
        return strategy.reduce(tf.distribute.ReduceOp.MEAN, losses, axis=None)

    data = cast(Batches, params.task.train_data)
    batches = iter(orbit.utils.make_distributed_dataset(strategy, task.build_inputs, data))
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
    validation_loss(detector, cast(tf.data.Dataset, _stamp(batches, stamps)))
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
