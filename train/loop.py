"""One pass of training: from its last checkpoint to its last step, or until the tuning split says stop."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
import tf_keras
from official.core import config_definitions as cfg
from official.core import train_lib

from datasets.files import write_text
from detectors.detector import Detector
from study.layout import RunFolder
from train.progress import TrainingProgress
from train.strategy import follow_chief, is_chief
from train.task import DetectionTask
from train.tuning import Look, Looks

STEP = "global_step/.ATTRIBUTES/VARIABLE_VALUE"  # TensorFlow's key of the trainer's counter in a checkpoint


@dataclass(frozen=True)
class Pass:
    """What a pass of training left."""

    checkpoint: str  # of the weights to evaluate: a file name under the pass's checkpoints
    steps: int  # that these weights were trained for
    trained: int  # steps in all
    start_step: int  # at which this process took over
    seconds: float  # of this process's training, without its start and without looks
    loss: float  # of the last steps, with weight decay


def last_step(checkpoints: Path) -> int:
    """Return the step of the last checkpoint, 0 if there is none."""
    checkpoint = tf.train.latest_checkpoint(str(checkpoints))
    return int(tf.train.load_variable(checkpoint, STEP)) if checkpoint else 0


def train(params: cfg.ExperimentConfig, strategy: tf.distribute.Strategy, run: RunFolder, checkpoints: Path,
          label: str, looks: Looks | None = None, judge_of: Callable[[Detector], Callable[[], float]] | None = None,
          ) -> Pass:
    """Train as `params` say, whose start is the last step in `checkpoints`, and leave the weights to evaluate there.

    With `looks`, which `judge_of` makes for the detector, the weights to evaluate are the best seen.
    Raises InputError where the loss diverges; the last good checkpoint is kept.
    """
    start_step, steps = params.task.train_data.start_step, params.trainer.train_steps
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(params.task.train_data.seed + 1)  # tf.data takes none while the global one is 0
    with _orbit_quiet():
        with strategy.scope():
            task = DetectionTask(params.task)
        progress = TrainingProgress(label, steps, start_step, task.detector.model.variables, checkpoints)
        runner = train_lib.OrbitExperimentRunner(strategy, task, "train", params, str(checkpoints),
                                                 train_actions=[progress], save_summary=is_chief(strategy))
        follow_chief(runner, str(checkpoints))
        if task.restored and is_chief(strategy):
            write_text(run.restored, task.restored.to_csv())
        session = _Session(runner, task, progress, checkpoints)
        if looks is None or judge_of is None:
            session.advance(steps)
            checkpoint, chosen = session.conclude(), steps
        else:
            looks.forget_after(start_step)
            session.search(looks, judge_of(task.detector), steps)
            checkpoint, chosen = _best(looks.best.step), looks.best.step
    return Pass(checkpoint, chosen, session.step, start_step, session.seconds, progress.loss)


class _Session:
    """A training at work."""

    def __init__(self, runner: train_lib.OrbitExperimentRunner, task: DetectionTask, progress: TrainingProgress,
                 checkpoints: Path):
        self.runner, self.task, self.progress, self.checkpoints = runner, task, progress, checkpoints
        self.strategy, self.seconds = runner.strategy, 0.0

    @property
    def step(self) -> int:
        return int(self.runner.trainer.global_step.numpy())

    def advance(self, target: int) -> None:
        """Train to the step `target`, with a checkpoint there."""
        if self.step >= target:
            return
        self.progress.target, began = target, time.monotonic()
        with self.strategy.scope():  # runner.run() would count the model's operations too, for seconds
            self.runner.controller.train(steps=target)
        self.seconds += time.monotonic() - began

    def conclude(self) -> str:
        """Return the name of the checkpoint to evaluate: the last, or that of the averaged weights, written here."""
        if self.task.average is None:
            return f"ckpt-{self.step}"
        with self._averaged():
            return self._save(f"averaged-{self.step}")

    def search(self, looks: Looks, judge: Callable[[], float], steps: int) -> None:
        """Train and look by turns until `steps` or until the looks say stop, keeping the best weights."""
        for target in looks.due(steps):
            if looks.stopped:
                print(f"{self.progress.label}: stopped at step {self.step}, AP {looks.best.ap:.4f} on the "
                      f"tuning split was best at step {looks.best.step}", file=sys.stderr, flush=True)
                break
            self.advance(target)
            with self._averaged():
                look = Look(target, self._agree(judge()))
                if not looks.looks or look.ap >= looks.best.ap:
                    self._save(_best(target))  # before the look is noted: what is noted has its weights
            looks.add(look)
            self._drop_other_than(_best(looks.best.step))
        self._drop_other_than(_best(looks.best.step))  # also what a kill at the last look has left
        looks.finish()

    def _agree(self, value: float) -> float:
        """Return the mean of `value` over the replicas: rounding must not make workers decide differently."""
        if self.strategy.num_replicas_in_sync == 1:
            return value
        values = self.strategy.run(lambda: tf.constant(value, tf.float64))
        return float(self.strategy.reduce(tf.distribute.ReduceOp.MEAN, values, axis=None))

    @contextlib.contextmanager
    def _averaged(self) -> Iterator[None]:
        """Within the block the model holds the moving average of its weights, if the recipe takes one."""
        average, weights = self.task.average, self.task.detector.model.trainable_variables
        if average is None:
            yield
            return
        kept = [variable.numpy() for variable in weights]
        self._assign([average.get_slot(variable, "average").numpy() for variable in weights])
        try:
            yield
        finally:
            self._assign(kept)

    def _assign(self, values: list) -> None:
        with self.strategy.scope():
            for variable, value in zip(self.task.detector.model.trainable_variables, values):
                variable.assign(value)

    def _save(self, name: str) -> str:
        """Write the model's weights. Every worker must, as for any checkpoint, but only the chief's are kept."""
        with tempfile.TemporaryDirectory() as elsewhere, self.strategy.scope():
            folder = self.checkpoints if is_chief(self.strategy) else Path(elsewhere)
            tf.train.Checkpoint(model=self.task.detector.model).write(str(folder / name))
        return name

    def _drop_other_than(self, name: str) -> None:
        for file in self.checkpoints.glob("best-*"):
            if is_chief(self.strategy) and file.name.partition(".")[0] != name:
                file.unlink()


def _best(step: int) -> str:
    return f"best-{step}"


@contextlib.contextmanager
def _orbit_quiet():
    """Drop what Orbit prints at every loop: the progress says it better."""
    with open(os.devnull, "w") as sink, contextlib.redirect_stdout(sink):
        yield
