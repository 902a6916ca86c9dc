"""One training run: a detector of the study on one subset, from its start or from where it was killed."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import tensorflow as tf
import tf_keras
from official.core import config_definitions as cfg
from official.core import train_lib

from datasets.annotations import Annotations, for_training
from datasets.errors import InputError
from datasets.files import read_json, write_json
from records.manifest import first_shards
from study.config import Study, find_dataset, find_detector, find_recipe
from study.data import image_bytes, image_folder, read_subset
from study.identity import claim, fingerprint, training_inputs
from study.layout import RunFolder, StudyFolder
from study.matrix import Cell
from train.experiment import configure
from train.progress import TrainingProgress
from train.task import DetectionTask

STEP = "global_step/.ATTRIBUTES/VARIABLE_VALUE"  # TensorFlow's key of the trainer's counter in a checkpoint


@dataclass(frozen=True)
class Training:
    """What is known of a finished training; the content of training.json."""

    fingerprint: str
    images: int
    boxes: int
    steps: int
    resumed_at: int  # step at which the last process took over; 0 if it ran in one go
    checkpoint: str  # file name under the run's checkpoints
    seconds: float  # of that last process's training, without its start
    images_per_second: float
    loss: float  # training loss at the end, with weight decay
    device: str


def train_cell(study: Study, folder: StudyFolder, cell: Cell, device: str) -> Training:
    """Train `cell` unless that is done, and return what is known of the training.

    Raises InputError if the folder holds a run of other inputs, if the records are missing or the loss diverges.
    """
    dataset = find_dataset(study, cell.dataset)
    subset = read_subset(folder, dataset, cell)
    inputs = training_inputs(study, cell, subset, image_bytes(subset, image_folder(dataset, dataset.train)))
    run = folder.run(cell)
    claim(run, inputs)
    if run.training.exists():
        return Training(**read_json(run.training))
    if not for_training(subset).num_boxes:
        raise InputError(f"{cell}: its {subset.num_images} images hold no box to learn from; take a larger fraction")
    params = experiment_of(study, folder, cell, subset)
    training = _train(cell, params, run, subset, fingerprint(inputs), device)
    write_json(run.training, asdict(training))
    return training


def experiment_of(study: Study, folder: StudyFolder, cell: Cell, subset: Annotations) -> cfg.ExperimentConfig:
    """Return the cell's experiment, to start at its last checkpoint."""
    detector = find_detector(study, cell.detector)
    shards = first_shards(folder.train_records(cell.dataset, detector.stored_size, cell.draw), subset.num_images)
    return configure(detector, find_recipe(study, detector), num_classes=len(subset.categories),
                     shards=[str(shard) for shard in shards], images=subset.num_images, seed=cell.seed,
                     start_step=last_step(folder.run(cell)), checkpoint_every=study.checkpoint_every,
                     num_gpus=min(1, len(tf.config.list_physical_devices("GPU"))))


def last_step(run: RunFolder) -> int:
    """Return the step of the run's last checkpoint, 0 if there is none."""
    checkpoint = tf.train.latest_checkpoint(str(run.checkpoints))
    return int(tf.train.load_variable(checkpoint, STEP)) if checkpoint else 0


def _train(cell: Cell, params: cfg.ExperimentConfig, run: RunFolder, subset: Annotations, identity: str,
           device: str) -> Training:
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(cell.seed + 1)  # tf.data takes no tensor as a seed while the global one is 0
    start_step, steps = params.task.train_data.start_step, params.trainer.train_steps
    seconds, loss = _run(params, run, str(cell))
    return Training(
        fingerprint=identity, images=subset.num_images, boxes=for_training(subset).num_boxes, steps=steps,
        resumed_at=start_step,
        checkpoint=Path(tf.train.latest_checkpoint(str(run.checkpoints))).name, seconds=round(seconds, 2),
        images_per_second=round((steps - start_step) * params.task.train_data.global_batch_size / seconds, 2),
        loss=loss, device=device,
    )


def _run(params: cfg.ExperimentConfig, run: RunFolder, label: str) -> tuple[float, float]:
    """Train to the last step; return the seconds from the first step on and the loss at the end."""
    strategy = tf.distribute.OneDeviceStrategy("gpu:0" if params.runtime.num_gpus else "cpu:0")
    progress = TrainingProgress(label, params.trainer.train_steps, params.task.train_data.start_step)
    with _orbit_quiet():
        with strategy.scope():
            task = DetectionTask(params.task)
        runner = train_lib.OrbitExperimentRunner(strategy, task, "train", params, str(run.checkpoints),
                                                 train_actions=[progress])
        began = time.monotonic()
        with strategy.scope():  # runner.run() would count the model's operations too, for seconds
            runner.controller.train(steps=params.trainer.train_steps)
    return time.monotonic() - began, progress.loss


@contextlib.contextmanager
def _orbit_quiet():
    """Drop what Orbit prints at every loop: the progress says it better."""
    with open(os.devnull, "w") as sink, contextlib.redirect_stdout(sink):
        yield
