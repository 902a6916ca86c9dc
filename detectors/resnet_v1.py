"""ResNet v1 of 50, 101 or 152 layers as TF-Slim builds it for feature pyramids, with the original detector's
activations.

He et al. 2016, arXiv 1512.03385, table 1. A block's stride is in the 1x1 convolutions of its first unit (v1, not
v1.5), the pooling pads as "same" does, and inside a unit the activation is ReLU6, since the detector's configuration
overrides that of the network; the sum of a unit goes through a plain ReLU.
"""

from __future__ import annotations

import tensorflow as tf
from tf_keras import layers

from detectors.kinds import RESNET
from detectors.layer_style import LayerStyle

UNITS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}  # layers -> units of each block
BOTTLENECKS = (64, 128, 256, 512)  # channels of each block's
STEM = 64  # channels
EXPANSION = 4
LEAST = 16  # channels


def scope_of(depth: int) -> str:
    """Return the scope of a backbone of `depth` layers in the original's checkpoints."""
    return f"{RESNET}{depth}"


def scaled(channels: int, width: float) -> int:
    """Return `channels` times `width`, but never fewer than the original's minimum of 16."""
    return max(LEAST, int(channels * width))


def resnet(pixels: tf.Tensor, depth: int, width: float, style: LayerStyle) -> list[tf.Tensor]:
    """Return the maps at strides 4, 8, 16 and 32 of pixels [N, S, S, 3], of 256 to 2048 channels at width 1.

    `depth` is the number of layers: a key of UNITS.
    """
    features = layers.ZeroPadding2D(3)(pixels)
    features = style.convolve(features, scaled(STEM, width), 7, f"{scope_of(depth)}/conv1", stride=2, padding="valid")
    features = layers.MaxPooling2D(3, 2, "same")(layers.ReLU(6.0)(features))
    maps = []
    for block, (units, channels) in enumerate(zip(UNITS[depth], BOTTLENECKS), start=1):
        for unit in range(1, units + 1):
            stride = 2 if unit == 1 and block > 1 else 1
            scope = f"{scope_of(depth)}/block{block}/unit_{unit}/bottleneck_v1"
            features = _bottleneck(features, scaled(channels, width), stride, unit == 1, scope, style)
        maps.append(features)
    return maps


def _bottleneck(
    features: tf.Tensor, channels: int, stride: int, project: bool, scope: str, style: LayerStyle
) -> tf.Tensor:
    """Add three convolutions, 1x1 of the stride, 3x3 and 1x1, to the features, projected or as they are."""
    shortcut = style.convolve(features, EXPANSION * channels, 1, f"{scope}/shortcut", stride) if project else features
    residual = layers.ReLU(6.0)(style.convolve(features, channels, 1, f"{scope}/conv1", stride))
    residual = layers.ReLU(6.0)(style.convolve(residual, channels, 3, f"{scope}/conv2"))
    residual = style.convolve(residual, EXPANSION * channels, 1, f"{scope}/conv3")
    return layers.ReLU()(layers.Add()([shortcut, residual]))
