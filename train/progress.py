"""What is shown of a training while it runs, and its stop when the loss diverges."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import tensorflow as tf
import tf_keras

from datasets.errors import InputError
from datasets.progress import Progress
from train.experiment import STEPS_PER_LOOP

GOOD_STEPS = "good_steps"
SHOWN = ("training_loss", "learning_rate")  # of a loop's outcome, to whoever follows it


Follow = Callable[[dict[str, float], int], None]


class GoodSteps(tf_keras.metrics.Metric):
    """How many steps of a loop came before the first whose loss, of all replicas together, is not finite."""

    def __init__(self):
        super().__init__(name=GOOD_STEPS)
        self.count, self.bad = (
            self.add_weight(name=name, initializer="zeros", aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
            for name in ("count", "bad"))

    def update_state(self, loss: tf.Tensor) -> None:
        """Take one step's loss, a scalar of each replica."""
        context = tf.distribute.get_replica_context()
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, loss) if context else loss
        self.bad.assign(tf.maximum(self.bad, tf.cast(~tf.math.is_finite(total), tf.float32)))
        self.count.assign_add(1 - self.bad)

    def result(self) -> tf.Tensor:
        """Return the number of steps."""
        return tf.identity(self.count)


class TrainingProgress:
    """An Orbit train action: shows the loss after every loop, and stops a training that has diverged.

    It acts before a checkpoint is saved, so that the one there is stays good. `weights` must be finite too: the last
    step of a loop may have spoilt them after its loss. `follow` is told figures by name, and the step they are of.
    """

    def __init__(self, label: str, steps: int, start_step: int, weights: Sequence[tf.Variable] = (),
                 checkpoints: Path | None = None, follow: Follow | None = None):
        self.label, self.checkpoints, self.follow = label, checkpoints, follow
        self.progress = Progress(label, steps, "step", start_step)
        self.target = steps  # at which Orbit's current call ends, and with it a loop
        self.loss = math.nan
        self._finite = tf.function(lambda: tf.reduce_all([tf.reduce_all(tf.math.is_finite(w)) for w in weights]))

    def __call__(self, output: Mapping[str, tf.Tensor]) -> None:
        """Show one loop's outcome. Raises InputError if loss or weights are not finite."""
        count = min(STEPS_PER_LOOP, self.target - self.progress.done)
        self.loss = float(output["training_loss"])
        good = int(output[GOOD_STEPS])
        if good < count or not math.isfinite(self.loss):
            self._stop("loss is", good + 1)
        if not bool(self._finite()):
            self._stop("weights are", count)
        self.progress.update(count, f"loss {self.loss:.3f}")
        if self.follow:
            self.follow({name: float(output[name]) for name in SHOWN if name in output}, self.progress.done)

    def _stop(self, what: str, step: int) -> None:
        kept = tf.train.latest_checkpoint(str(self.checkpoints)) if self.checkpoints else None
        raise InputError(f"{self.label}: the {what} not finite at step {self.progress.done + step}; lower the learning "
                         "rate in the recipe" + (f" and give the study another --name; the last good checkpoint is "
                                                 f"kept, {kept}" if kept else ""))
