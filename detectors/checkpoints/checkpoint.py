"""Checkpoints under the variable names of the original detectors, so that either side reads the other's.

The files are TensorFlow 1 checkpoints in V2 format (PREFIX.index, PREFIX.data-00000-of-00001): the model's variables
and a scalar int64 `global_step`. A checkpoint written by the original's training also holds optimiser slots and
moving averages of the weights; these are left alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import tensorflow as tf

from datasets.errors import InputError, nearest
from detectors.checkpoints.account import Fate, RestoreReport, Row
from detectors.checkpoints.archive import find_prefix
from detectors.checkpoints.open_images.labels import NUM_CLASSES, label_of, open_images_slot
from detectors.detector import Detector
from detectors.kinds import RESNET, SCOPES
from study.checkpoints import DATA, INDEX

FEATURES = "FeatureExtractor/"
CLASS_HEAD = "ClassPredictor/"  # K + 1 slots for every anchor of a cell; anchors first, background in slot 0
BOX_HEADS = ("BoxEncodingPredictor/", "BoxPredictor/")  # 4 codes for every anchor of a cell
AVERAGE = "ExponentialMovingAverage"
GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"  # in every checkpoint of TensorFlow 2

UNREADABLE = (ValueError, RuntimeError, IndexError, tf.errors.OpError)  # what TensorFlow's reader raises

Mode = Literal["all", "features", "labels"]


@dataclass(frozen=True)
class _File:
    """An open checkpoint."""

    prefix: str | Path  # as it was given, for messages
    reader: tf.train.CheckpointReader
    shapes: dict[str, list[int]]


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


def restore(
    detector: Detector, prefix: str | Path, mode: Mode = "all", classes: Sequence[str] = ()
) -> RestoreReport:
    """Load a checkpoint's values into the detector; `prefix` may be a folder that holds a `model.ckpt`.

    "all" takes every layer that fits, "features" those of the feature extractor only (the original's default for
    fine-tuning). "labels" takes all, and in the class heads the columns of background and of those `classes`, the
    detector's in their order, that Open Images knows; for checkpoints of its 601 classes.
    Outside the backbone a layer fits whole or not at all: statistics of another kernel's output are worth nothing.
    Raises InputError, with the detector untouched, where a variable of the backbone is missing or has another shape,
    where values are not finite or cannot be read, and where "labels" has not 601 classes to choose from.
    """
    if mode not in get_args(Mode):
        raise InputError(f"restore '{mode}'; {nearest(mode, get_args(Mode))}")
    file = _open(prefix)
    slots = _open_images_slots(detector, classes, file) if mode == "labels" else ()
    rows = _decide(detector, file.shapes, mode)
    _refuse_another_backbone(detector, rows, file)
    values = {row.variable: _value(file, row.variable) for row in rows if row.fate in ("restored", "carried")}
    _refuse_not_finite(values, file)
    for name in (row.variable for row in rows if row.fate == "carried"):
        values[name] = carry(detector.variables[name].numpy(), values[name], slots)
    for name, value in values.items():
        detector.variables[name].assign(value)
    ignored = sorted(file.shapes.keys() - detector.variables.keys())
    return RestoreReport(
        rows=(*rows, *(Row(name, "ignored", _why_ignored(name, file.shapes)) for name in ignored)),
        labels=tuple((name, label_of(slot) if slot else "") for name, slot in zip(classes, slots)),
    )


def carry(fresh: np.ndarray, known: np.ndarray, slots: Sequence[int | None]) -> np.ndarray:
    """Return the class head `fresh` [..., anchors * (K + 1)] with columns of `known` [..., anchors * 602].

    Class k, in slot k + 1, takes the column of slot `slots[k]`, background that of background; None stays fresh.
    """
    values = fresh.reshape(*fresh.shape[:-1], -1, len(slots) + 1).copy()
    columns = known.reshape(*known.shape[:-1], -1, NUM_CLASSES + 1)
    for slot, source in enumerate((0, *slots)):
        if source is not None:
            values[..., slot] = columns[..., source]
    return values.reshape(fresh.shape)


def count_classes(prefix: str | Path) -> int:
    """Return how many classes the checkpoint's heads tell apart. Raises InputError where it has no such heads, and
    where theirs is no number of classes."""
    classes = _classes_in(_open(prefix))
    if classes is None:
        raise InputError(f"{prefix}: no class and box heads; give a checkpoint of a whole detector")
    return classes


def find_kind(prefix: str | Path) -> str:
    """Return the kind of detector a checkpoint holds, by its variables. Raises InputError where it is none of ours."""
    file = _open(prefix)
    kind = _kind_of(file.shapes)
    if kind is None:
        raise InputError(f"{prefix}: {_describe(file.shapes)}; known are {', '.join(SCOPES)}")
    return kind


def find_depth(prefix: str | Path) -> int | None:
    """Return how many layers the ResNet in a checkpoint has, by its variables; None where there is none."""
    return _depth_of(_open(prefix).shapes)


def _rename(part: Path, prefix: Path) -> None:
    """Put the finished files in place. The old index goes first and the new one comes last: it vouches for the data."""
    Path(f"{prefix}{INDEX}").unlink(missing_ok=True)
    for suffix in (DATA, INDEX):
        os.replace(f"{part}{suffix}", f"{prefix}{suffix}")


def _decide(detector: Detector, shapes: dict[str, list[int]], mode: Mode) -> list[Row]:
    """Return what becomes of each of the detector's variables, and why."""
    variables = detector.variables
    misfits = {name: why for name, variable in variables.items()
               if (why := _misfit(name, variable.shape.as_list(), shapes.get(name), mode, detector.num_classes))}
    fresh = {_layer(name) for name in misfits}
    taken: dict[bool, Fate] = {True: "carried", False: "restored"}
    return [Row(name, "re-initialised", misfits.get(name, "with its layer")) if _layer(name) in fresh
            else Row(name, taken[mode == "labels" and CLASS_HEAD in name]) for name in variables]


def _misfit(name: str, shape: list[int], found: list[int] | None, mode: Mode, num_classes: int) -> str:
    """Return why a variable does not take its value from the checkpoint, empty if it does."""
    if mode == "features" and not name.startswith(FEATURES):
        return "mode features"
    if found is None:
        return "absent"
    if CLASS_HEAD in name and found and found[:-1] == shape[:-1]:
        slots = NUM_CLASSES if mode == "labels" else num_classes
        if found[-1] * (num_classes + 1) == shape[-1] * (slots + 1):
            return ""
        return "class head for other classes"
    return "" if found == shape else f"shape {found} and not {shape}"


def _layer(name: str) -> str:
    """Return the scope of a convolution, its bias and its batch normalisation."""
    return name.partition("/BatchNorm/")[0] if "/BatchNorm/" in name else name.rpartition("/")[0]


def _refuse_another_backbone(detector: Detector, rows: Sequence[Row], file: _File) -> None:
    """Raise InputError, naming one, if a variable of the backbone would be left out."""
    wrong = [row for row in rows if row.fate == "re-initialised" and row.reason != "with its layer"
             and re.fullmatch(detector.backbone, row.variable)]
    if not wrong:
        return
    name, reason = wrong[0].variable, wrong[0].reason
    what = f"no variable '{name}'" if reason == "absent" else f"'{name}' has {reason}"
    raise InputError(f"{file.prefix}: {what}{_and_more(wrong)} of the backbone of {detector.kind}; "
                     f"{_describe(file.shapes, detector.kind, _depth_of(detector.variables))}")


def _refuse_not_finite(values: dict[str, np.ndarray], file: _File) -> None:
    wrong = [name for name, value in values.items() if not np.isfinite(value).all()]
    if wrong:
        raise InputError(f"{file.prefix}: '{wrong[0]}'{_and_more(wrong)} holds NaN or infinite values; "
                         "take an earlier checkpoint")


def _open_images_slots(detector: Detector, classes: Sequence[str], file: _File) -> tuple[int | None, ...]:
    if len(classes) != detector.num_classes:
        raise ValueError(f"{len(classes)} class names for a detector of {detector.num_classes}")
    found = _classes_in(file)
    if found != NUM_CLASSES:
        raise InputError(f"{file.prefix}: has {'no' if found is None else found} classes, whose labels are not known, "
                         f"and not the {NUM_CLASSES} of Open Images; set restore to all or features")
    return tuple(open_images_slot(name) for name in classes)


def _classes_in(file: _File) -> int | None:
    """Return how many classes there are a head for, None without class and box heads."""
    for name, shape in file.shapes.items():
        for head in BOX_HEADS if name.endswith(f"{CLASS_HEAD}biases") and shape else ():
            codes = file.shapes.get(name.replace(CLASS_HEAD, head))
            if codes and codes[0] >= 4:
                anchors = codes[0] // 4
                slots, rest = divmod(shape[0], anchors)
                if rest or slots < 2:
                    raise InputError(f"{file.prefix}: '{name}' has {shape[0]} channels for {anchors} anchors, not one "
                                     "each for the background and every class; take another checkpoint")
                return slots - 1
    return None


def _kind_of(names: Iterable[str]) -> str | None:
    return next((kind for kind, scope in SCOPES.items() if any(name.startswith(scope) for name in names)), None)


def _depth_of(names: Iterable[str]) -> int | None:
    return next((int(found[1]) for name in names if (found := re.match(rf"{RESNET}(\d+)/", name))), None)


def _describe(names: Iterable[str], wanted: str = "", depth: int | None = None) -> str:
    """Return what a checkpoint is that is not of the kind `wanted`, or not of that `depth`."""
    if GRAPH in names:
        return "it is a training checkpoint of TensorFlow 2; make one of this kind with python -m detectors export"
    kind = _kind_of(names)
    if kind is None:
        return "it is a checkpoint of another network"
    if kind == wanted and (found := _depth_of(names)) != depth:
        return (f"it is a checkpoint of depth {found}; set depth to {found}, or checkpoint to one of depth {depth} or "
                "to \"\" (from scratch)")
    return f"it is a checkpoint of {kind}" + (", of another width or not complete" if kind == wanted else "")


def _why_ignored(name: str, names: Iterable[str]) -> str:
    variable, _, leaf = name.rpartition("/")
    if leaf == AVERAGE:
        return "moving average"
    if variable in names:
        return "optimiser slot"
    return name if name == "global_step" else "not part of the detector"


def _and_more(wrong: Sequence) -> str:
    return f" (and {len(wrong) - 1:,} more)" * (len(wrong) > 1)


def _open(prefix: str | Path) -> _File:
    path = find_prefix(prefix)
    if {"[", "\\"} & set(str(path)):
        raise InputError(f"{path}: TensorFlow takes [ and \\ in a path for a pattern; rename it")
    try:
        reader = tf.compat.v1.train.NewCheckpointReader(str(path))  # load_checkpoint would look into a folder `path`
        return _File(prefix, reader, reader.get_variable_to_shape_map())
    except UNREADABLE as error:
        raise InputError(f"{path}{INDEX}: not a readable checkpoint ({_first_line(error)}); get it again") from None


def _value(file: _File, name: str) -> np.ndarray:
    try:
        value = file.reader.get_tensor(name)
    except UNREADABLE as error:
        raise InputError(f"{file.prefix}: '{name}' cannot be read ({_first_line(error)}); get the file again") from None
    if value.dtype != np.float32:
        raise InputError(f"{file.prefix}: '{name}' is of type {value.dtype} and not float32; take another checkpoint")
    return value


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
