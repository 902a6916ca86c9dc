"""Progress of a training: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping

import tensorflow as tf
from tqdm import tqdm

from datasets.errors import InputError
from train.experiment import STEPS_PER_LOOP

SECONDS_BETWEEN_LINES = 15.0


class Progress:
    """An Orbit train action that shows rate, loss and time left, and stops a training that has diverged."""

    def __init__(self, label: str, steps: int, start_step: int):
        self.label, self.steps, self.first = label, steps, start_step
        self.began, self.last_line = time.monotonic(), -math.inf
        self.done = start_step
        self.loss = math.nan
        self.bar = tqdm(total=steps, initial=start_step, desc=label, unit="step") if sys.stderr.isatty() else None

    def __call__(self, output: Mapping[str, tf.Tensor]) -> None:
        """Show one loop's outcome. Raises InputError if the loss is not finite."""
        done = self.done = min(self.done + STEPS_PER_LOOP, self.steps)
        self.loss = float(output["training_loss"])
        if not math.isfinite(self.loss):
            raise InputError(f"{self.label}: the loss is {self.loss} at step {done}; the last good checkpoint is kept; "
                             "lower the learning rate in the recipe")
        if self.bar is not None:
            self.bar.set_postfix(loss=f"{self.loss:.3f}", refresh=False)
            self.bar.update(done - self.bar.n)
        elif time.monotonic() - self.last_line >= SECONDS_BETWEEN_LINES or done == self.steps:
            self._print_line(done)

    def _print_line(self, done: int) -> None:
        self.last_line = time.monotonic()
        rate = (done - self.first) / max(self.last_line - self.began, 1e-9)
        left = (self.steps - done) / rate if rate else math.nan
        print(f"{self.label}: step {done} of {self.steps}, loss {self.loss:.3f}, {rate:.1f} steps/s, {left:.0f} s left",
              file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self.bar is not None:
            self.bar.close()
