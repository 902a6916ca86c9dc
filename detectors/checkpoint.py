"""Checkpoints under the variable names of the original detectors, so that either side reads the other's.

The files are TensorFlow 1 checkpoints in V2 format (PREFIX.index, PREFIX.data-00000-of-00001): the model's variables
and a scalar int64 `global_step`. A checkpoint written by the original's training also holds optimiser slots and
moving averages of the weights; these are left alone.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tensorflow as tf

from datasets.errors import InputError, nearest
from detectors.detector import Detector

DATA, INDEX = ".data-00000-of-00001", ".index"
FEATURES = "FeatureExtractor/"
CLASS_HEAD, BOX_HEAD = "ClassPredictor/", "BoxEncodingPredictor/"  # K + 1 slots and 4 codes for every anchor of a cell

UNREADABLE = (ValueError, RuntimeError, IndexError, tf.errors.OpError)  # what TensorFlow's reader raises

Mode = Literal["all", "features"]


@dataclass(frozen=True)
class RestoreReport:
    """Names of variables: those that took a value, those that keep their fresh one, and what nobody asked for."""

    restored: tuple[str, ...]
    reinitialised: tuple[str, ...]
    ignored: tuple[str, ...]

    def __str__(self) -> str:
        kinds = Counter(name.rsplit("/", 1)[-1] for name in self.ignored)
        ignored = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "nothing"
        return (f"{len(self.restored)} variables restored, {len(self.reinitialised)} start afresh, "
                f"ignored: {ignored}")


def save(detector: Detector, prefix: str | Path, step: int = 0) -> None:
    """Write the detector's variables and `step` to `prefix`, whole or not at all."""
    values = {name: variable.numpy() for name, variable in detector.variables.items()}
    values["global_step"] = np.int64(step)
    names = sorted(values)
    prefix = Path(prefix)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    part = prefix.with_name(f".{prefix.name}.part-{os.getpid()}")
    try:
        tf.raw_ops.SaveV2(
            prefix=str(part), tensor_names=names, shape_and_slices=[""] * len(names), tensors=[values[n] for n in names]
        )
        _rename(part, prefix)
    finally:
        for suffix in (DATA, INDEX):
            Path(f"{part}{suffix}").unlink(missing_ok=True)


def restore(detector: Detector, prefix: str | Path, mode: Mode = "all") -> RestoreReport:
    """Load a checkpoint's values into the detector.

    "features" takes the feature extractor only, as the original does for fine-tuning; "all" takes the heads too,
    except class heads made for another number of classes. `prefix` may be a folder that holds a `model.ckpt`.
    Raises InputError, with the detector untouched, where the checkpoint lacks a variable or has it in another shape.
    """
    if mode not in ("all", "features"):
        raise InputError(f"restore '{mode}'; {nearest(mode, ('all', 'features'))}")
    reader = _open(prefix)
    shapes = reader.get_variable_to_shape_map()
    variables = detector.variables
    restored = [name for name in variables if _wanted(name, mode) and _fits(name, variables[name], shapes, prefix)]
    values = {name: _value(reader, name, prefix) for name in restored}
    for name, value in values.items():
        variables[name].assign(value)
    return RestoreReport(
        restored=tuple(restored),
        reinitialised=tuple(name for name in variables if name not in values),
        ignored=tuple(sorted(shapes.keys() - variables.keys())),
    )


def count_classes(prefix: str | Path) -> int:
    """Return how many classes the checkpoint's heads tell apart. Raises InputError where it has no such heads."""
    shapes = _open(prefix).get_variable_to_shape_map()
    for name, (slots, *_) in ((n, s) for n, s in shapes.items() if n.endswith(f"{CLASS_HEAD}biases")):
        codes = shapes.get(name.replace(CLASS_HEAD, BOX_HEAD))
        if codes:
            return slots // (codes[0] // 4) - 1
    raise InputError(f"{prefix}: no class and box heads; give a checkpoint of a whole detector")


def find_prefix(path: str | Path) -> Path:
    """Return the checkpoint's prefix: `path` itself or `path`/model.ckpt. Raises InputError if there is neither."""
    for prefix in (Path(path), Path(path) / "model.ckpt"):
        if Path(f"{prefix}{INDEX}").is_file():
            return prefix
    raise InputError(f"{path}: no checkpoint there; give the path up to '{INDEX}', or the folder of a model.ckpt")


def _rename(part: Path, prefix: Path) -> None:
    """Put the finished files in place. The old index goes first and the new one comes last: it vouches for the data."""
    Path(f"{prefix}{INDEX}").unlink(missing_ok=True)
    for suffix in (DATA, INDEX):
        os.replace(f"{part}{suffix}", f"{prefix}{suffix}")


def _wanted(name: str, mode: Mode) -> bool:
    return mode == "all" or name.startswith(FEATURES)


def _fits(name: str, variable: tf.Variable, shapes: dict[str, list[int]], prefix: str | Path) -> bool:
    """Tell whether the checkpoint has the variable; False only for a class head of another size."""
    if name not in shapes:
        raise InputError(f"{prefix}: no variable '{name}'; the checkpoint is of another detector or width")
    if shapes[name] == variable.shape.as_list():
        return True
    if CLASS_HEAD in name:
        return False
    raise InputError(f"{prefix}: '{name}' has shape {shapes[name]} and not {variable.shape.as_list()}; "
                     "the checkpoint is of another detector or width")


def _open(prefix: str | Path) -> tf.train.CheckpointReader:
    path = find_prefix(prefix)
    try:
        return tf.train.load_checkpoint(str(path))
    except UNREADABLE as error:
        raise InputError(f"{path}{INDEX}: not a readable checkpoint ({_first_line(error)}); get it again") from None


def _value(reader: tf.train.CheckpointReader, name: str, prefix: str | Path) -> np.ndarray:
    try:
        value = reader.get_tensor(name)
    except UNREADABLE as error:
        raise InputError(f"{prefix}: '{name}' cannot be read ({_first_line(error)}); get the file again") from None
    if not np.isfinite(value).all():
        raise InputError(f"{prefix}: '{name}' holds NaN or infinite values; take an earlier checkpoint")
    return value


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
