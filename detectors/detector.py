"""What every detector has in common, and the list of those there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import tensorflow as tf
import tf_keras

from datasets.errors import InputError, nearest
from detectors.kinds import DEPTHS, SCOPES

BUILDERS = {kind: f"detectors.{kind}" for kind in SCOPES}  # kind -> module with `build`

ZOO_LEAVES = {"kernel": "weights", "depthwise_kernel": "depthwise_weights", "bias": "biases"}


@dataclass(frozen=True, eq=False)
class Detector:
    """A network, its anchors and its loss.

    The model takes RGB images float32 [N, S, S, 3] in 0..255 and returns {"boxes": float32 [N, A, 4] encodings,
    "logits": float32 [N, A, K + 1]} with background in slot 0. Its layers are named after the scopes of the
    original checkpoints, from which `variables` follows.
    """

    kind: str
    model: tf_keras.Model
    anchors: np.ndarray  # float32 [A, 4], normalised [ymin, xmin, ymax, xmax]
    num_classes: int
    backbone: str  # regular expression that the names of the backbone's variables, and no others, match in full
    loss: Callable[[dict[str, tf.Tensor], tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]
    # loss(outputs, boxes float32 [N, M, 4] normalised, classes int32 [N, M], -1 for padding)
    #     -> {"localization": scalar, "classification": scalar}; weight decay is in model.losses

    @property
    def variables(self) -> dict[str, tf.Variable]:
        """The model's variables by their name in the original's checkpoints."""
        return {
            f"{layer.name}/{_zoo_leaf(variable)}": variable
            for layer in self.model.layers
            for variable in layer.variables
        }


def build(
    kind: str,
    num_classes: int,
    *,
    input_size: int | None = None,
    width: float = 1.0,
    depth: int | None = None,
    weight_decay: float | None = None,
    batch_norm_momentum: float | None = None,
    synchronized: bool = False,
) -> Detector:
    """Build a detector of `kind` with fresh weights for square images of `input_size` pixels.

    None takes the original's value of that kind. `width` multiplies the numbers of channels; `depth` is that of the
    kinds that have a choice (kinds.DEPTHS), in layers, and nothing to others; `weight_decay` is on TF-Slim's scale
    (half the sum of squares). `synchronized` normalises by the batch of all replicas together rather than by each
    replica's share. Raises InputError for an unknown kind and for settings that the kind cannot have.
    """
    if kind not in BUILDERS:
        raise InputError(f"no detector '{kind}'; {nearest(kind, BUILDERS)}")
    chosen = {"depth": depth if kind in DEPTHS else None, "input_size": input_size, "weight_decay": weight_decay,
              "batch_norm_momentum": batch_norm_momentum}
    given = {name: value for name, value in chosen.items() if value is not None}
    return import_module(BUILDERS[kind]).build(num_classes, width=width, synchronized=synchronized, **given)


def _zoo_leaf(variable: tf.Variable) -> str:
    leaf = variable.name.rsplit("/", 1)[-1].removesuffix(":0")
    return ZOO_LEAVES.get(leaf, leaf)
