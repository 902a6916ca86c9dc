"""Checkpoints in the original's format, with weights by formula."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import tensorflow as tf

from detectors.detector import Detector
from tests.detectors.original import weights


def write(prefix: Path, values: dict[str, np.ndarray]) -> Path:
    """Write the values as a checkpoint at `prefix`."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    tf.raw_ops.SaveV2(prefix=str(prefix), tensor_names=list(values), shape_and_slices=[""] * len(values),
                      tensors=list(values.values()))
    return prefix


def values_of(detector: Detector) -> dict[str, np.ndarray]:
    """Return the detector's values by name."""
    return {name: variable.numpy() for name, variable in detector.variables.items()}


def with_classes(detector: Detector, num_classes: int) -> SimpleNamespace:
    """Return what loading a checkpoint needs of the detector, with class heads for `num_classes`: builds no network.

    The values are none that `original_values` has.
    """
    values = original_values(detector, num_classes)
    return SimpleNamespace(kind=detector.kind, num_classes=num_classes, backbone=detector.backbone,
                           variables={name: tf.Variable(values[name] + 1) for name in detector.variables})


def original_values(detector: Detector, num_classes: int) -> dict[str, np.ndarray]:
    """Return the variables of the original's checkpoint for `num_classes`, weights by formula."""
    def shape(name: str, variable: tf.Variable) -> tuple[int, ...]:
        *rest, last = variable.shape
        if "ClassPredictor/" in name:
            last = last // (detector.num_classes + 1) * (num_classes + 1)
        return (*rest, last)

    values = {name: weights(name, shape(name, variable)) for name, variable in detector.variables.items()}
    return values | {"global_step": np.array(0, np.int64)}


def coco_values(detector: Detector) -> dict[str, np.ndarray]:
    """Return the variables of ssd_mobilenet_v2_coco_2018_03_29: 90 classes, 3x3 predictors, separable extra layers."""
    values = original_values(detector, 90)
    for name in list(values):
        layer, _, leaf = name.rpartition("/")
        if leaf != "weights" or "_3x3_s2_" not in name and "Predictor" not in name:
            continue
        depth, width = values[name].shape[-2:]
        if "_3x3_s2_" in name:
            values[name] = weights(name, (1, 1, depth, width))
            depthwise = f"{layer}_depthwise"
            values[f"{depthwise}/depthwise_weights"] = weights(f"{depthwise}/depthwise_weights", (3, 3, depth, 1))
            for statistic in ("gamma", "beta", "moving_mean", "moving_variance"):
                name = f"{depthwise}/BatchNorm/{statistic}"
                values[name] = weights(name, (depth,))
        else:
            values[name] = weights(name, (3, 3, depth, width))
    return values
