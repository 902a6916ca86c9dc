"""What is shown of a training while it runs, and its stop when the loss diverges."""

from __future__ import annotations

import math
from collections.abc import Mapping

import tensorflow as tf

from datasets.errors import InputError
from datasets.progress import Progress
from train.experiment import STEPS_PER_LOOP


class TrainingProgress:
    """An Orbit train action: shows the loss after every loop."""

    def __init__(self, label: str, steps: int, start_step: int):
        self.progress = Progress(label, steps, "step", start_step)
        self.loss = math.nan

    def __call__(self, output: Mapping[str, tf.Tensor]) -> None:
        """Show one loop's outcome. Raises InputError if the loss is not finite."""
        count = min(STEPS_PER_LOOP, self.progress.total - self.progress.done)
        self.loss = float(output["training_loss"])
        if not math.isfinite(self.loss):
            raise InputError(f"{self.progress.label}: the loss is {self.loss} at step {self.progress.done + count}; "
                             "the last good checkpoint is kept; lower the learning rate in the recipe")
        self.progress.update(count, f"loss {self.loss:.3f}")
