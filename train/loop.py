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
from train.progress import Follow, TrainingProgress
from train.resume import best_name
from train.spent import Spent
from train.strategy import follow_chief, is_chief
from train.task import DetectionTask
from train.tuning import Look, Looks


@dataclass(frozen=True)
class Pass:
    """What a pass of training left."""

    checkpoint: str  # of the weights to evaluate: a file name under the pass's checkpoints
    steps: int  # that these weights were trained for
    trained: int  # steps in all
    start_step: int  # at which this process took over
    seconds: float  # of this process's training, without its start and without looks
    loss: float  # of the last steps, with weight decay


def train(params: cfg.ExperimentConfig, strategy: tf.distribute.Strategy, run: RunFolder, checkpoints: Path,
          label: str, looks: Looks | None = None, judge_of: Callable[[Detector], Callable[[], float]] | None = None,
          spent: Spent | None = None, follow: Follow | None = None) -> Pass:
    """Train as `params` say, whose start is the last step in `checkpoints`, and leave the weights to evaluate there.

    With `looks`, which `judge_of` makes for the detector, the weights to evaluate are the best seen. `spent` is told
    of every checkpoint, `follow` of the loss after every loop.
    `train.resume.resume` says where to start. Raises InputError where the loss diverges; the last good checkpoint is
    kept.
    """
    start_step, steps = params.task.train_data.start_step, params.trainer.train_steps
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(params.task.train_data.seed + 1)  # tf.data takes none while the global one is 0
    with _orbit_quiet():
        with strategy.scope():
            task = DetectionTask(params.task)
        progress = TrainingProgress(label, steps, start_step, task.detector.model.variables, checkpoints,
                                    follow)
        runner = train_lib.OrbitExperimentRunner(strategy, task, "train", params, str(checkpoints),
                                                 train_actions=[progress], save_summary=is_chief(strategy))
        follow_chief(runner, checkpoints, start_step)
        if task.restored and is_chief(strategy):
            write_text(run.restored, task.restored.to_csv())
        session = _Session(runner, task, progress, checkpoints, spent)
        if looks is None or judge_of is None:
            session.advance(steps)
            checkpoint, chosen = session.conclude(), steps
        else:
            looks.forget_after(start_step)
            session.search(looks, judge_of(task.detector), steps)
            checkpoint, chosen = best_name(looks.best.step), looks.best.step
    return Pass(checkpoint, chosen, session.step, start_step, session.seconds, progress.loss)


class _Session:
    """A training at work."""

    def __init__(self, runner: train_lib.OrbitExperimentRunner, task: DetectionTask, progress: TrainingProgress,
                 checkpoints: Path, spent: Spent | None):
        self.runner, self.task, self.progress, self.checkpoints = runner, task, progress, checkpoints
        self.strategy, self.seconds, self.spent = runner.strategy, 0.0, spent
        self._save_checkpoint = runner.checkpoint_manager.save
        runner.checkpoint_manager.save = self._save_and_mark

    @property
    def step(self) -> int:
        return int(self.runner.trainer.global_step.numpy())

    def advance(self, target: int) -> None:
        """Train to the step `target`, with a checkpoint there."""
        if self.step >= target:
            return
        self.progress.target, began = target, time.monotonic()
        with self.spent.running(self.step) if self.spent else contextlib.nullcontext(), self.strategy.scope():
            self.runner.controller.train(steps=target)  # runner.run() would count the model's operations too
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
                    self._save(best_name(target))  # before the look is noted: what is noted has its weights
            looks.add(look)
            self._summarise({"tuning_AP": look.ap})
            self._drop_other_than(best_name(looks.best.step))
        self._drop_other_than(best_name(looks.best.step))  # also what a kill at the last look has left
        looks.finish()

    def _save_and_mark(self, *arguments, **settings) -> str | None:
        """Write a checkpoint as the manager does, and note what was taken up to it."""
        saved = self._save_checkpoint(*arguments, **settings)
        if saved and self.spent:
            self.spent.mark(self.step)
        return saved

    def _summarise(self, values: dict[str, float]) -> None:
        """Show figures in TensorBoard, beside the loss."""
        self.runner.controller.summary_manager.write_summaries(values)
        self.runner.controller.summary_manager.flush()
        if self.progress.follow:
            self.progress.follow(values, self.step)

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


@contextlib.contextmanager
def _orbit_quiet():
    """Drop what Orbit prints at every loop: the progress says it better."""
    with open(os.devnull, "w") as sink, contextlib.redirect_stdout(sink):
        yield
