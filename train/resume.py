"""Where a training goes on from: its newest checkpoint that is whole.

A full disk, a bad one or a file system that lost its last writes may have left one that is not. TensorFlow writes a
checksum with every value, so reading all of them tells.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import tensorflow as tf

from datasets.files import remove_parts, write_text
from train.tuning import Looks

STATE = "checkpoint"  # TensorFlow's file that says which checkpoints there are
_SAVED = re.compile(r"ckpt-(\d+)(\.|_temp)")  # what a checkpoint of the trainer, or a half of one, is called


def best_name(step: int) -> str:
    """Return the name of the weights that a look at `step` found the best."""
    return f"best-{step}"


def is_whole(checkpoint: Path) -> bool:
    """Tell whether every value of a checkpoint, a path without `.index`, can be read."""
    try:
        reader = tf.train.load_checkpoint(str(checkpoint))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except (tf.errors.OpError, ValueError, IndexError):  # the last for a file that ends too soon
        return False
    return True


def last_step(checkpoints: Path, before: float = float("inf")) -> int:
    """Return the step of the newest whole checkpoint, of those up to `before`; 0 if there is none."""
    steps = sorted({step for step in _steps(checkpoints) if step <= before}, reverse=True)
    return next((step for step in steps if is_whole(checkpoints / f"ckpt-{step}")), 0)


def resume(checkpoints: Path, label: object, looks: Looks | None = None, write: bool = True) -> int:
    """Return the step to go on from, after removing what is damaged and what came after it.

    Where a look at the tuning split or the best weights are lost, that is a step from which they can be found again.
    Of several workers all come to the same step, and one has `write`. What is lost is said on stderr.
    """
    newest, before, lost = max(_steps(checkpoints), default=0), float("inf"), ""
    if looks:
        before = looks.last_step + looks.rule.every  # a later one has no look
        if looks.looks and looks.rule.then == "best" and not is_whole(checkpoints / best_name(looks.best.step)):
            before, lost = looks.best.step, best_name(looks.best.step)
            looks.forget_after(before - 1)
    step = last_step(checkpoints, before)
    if lost or step < newest:
        print(f"{label}: {checkpoints / (lost or f'ckpt-{newest}')} is not whole, or its looks are lost; "
              f"{f'going on from step {step}' if step else 'training anew'}", file=sys.stderr, flush=True)
    if write and checkpoints.exists():
        remove_parts(checkpoints)
        _remove_after(checkpoints, step)
        _write_state(checkpoints)
    return step


def _steps(checkpoints: Path) -> list[int]:
    """Return the step of every file of the trainer's checkpoints."""
    return [int(match[1]) for path in checkpoints.glob("ckpt-*") if (match := _SAVED.match(path.name))]


def _remove_after(checkpoints: Path, step: int) -> None:
    """Remove checkpoints later than `step`, and what a process that was killed has left of one."""
    for path in [*checkpoints.glob("ckpt-*"), *checkpoints.glob("*_temp")]:
        match = _SAVED.match(path.name)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif match and int(match[1]) > step:
            path.unlink(missing_ok=True)


def _write_state(checkpoints: Path) -> None:
    """Write TensorFlow's list of checkpoints as the folder has them, the newest last.

    Each gets the same time, after the epoch: the manager never removes one that it takes for older than the last it
    kept, as after a jump of the clock.
    """
    names = [f"ckpt-{step}" for step in sorted(set(_steps(checkpoints)))]
    if not names:
        (checkpoints / STATE).unlink(missing_ok=True)
        return
    lines = [f'model_checkpoint_path: "{names[-1]}"', *(f'all_model_checkpoint_paths: "{name}"' for name in names),
             *["all_model_checkpoint_timestamps: 1.0"] * len(names), "last_preserved_timestamp: 0.0"]
    write_text(checkpoints / STATE, "\n".join(lines) + "\n")
