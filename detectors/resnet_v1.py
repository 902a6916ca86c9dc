"""ResNet-101 v1 as TF-Slim builds it for feature pyramids, with the original detector's activations.

He et al. 2016, arXiv 1512.03385. A block's stride is in the 1x1 convolutions of its first unit (v1, not v1.5), the
pooling pads as "same" does, and inside a unit the activation is ReLU6, since the detector's configuration overrides
that of the network; the sum of a unit goes through a plain ReLU.
"""

from __future__ import annotations

import tensorflow as tf
from tf_keras import layers

from detectors.layer_style import LayerStyle

SCOPE = "FeatureExtractor/resnet_v1_101"
BLOCKS = ((3, 64), (4, 128), (23, 256), (3, 512))  # units, depth of their bottleneck
STEM_DEPTH = 64
EXPANSION = 4
MIN_DEPTH = 16


def scaled(depth: int, width: float) -> int:
    """Return `depth` times `width`, but never fewer channels than the original's minimum of 16."""
    return max(MIN_DEPTH, int(depth * width))


def resnet101(pixels: tf.Tensor, width: float, style: LayerStyle) -> list[tf.Tensor]:
    """Return the maps at strides 4, 8, 16 and 32 of pixels [N, S, S, 3], of 256 to 2048 channels at width 1."""
    features = layers.ZeroPadding2D(3)(pixels)
    features = style.convolve(features, scaled(STEM_DEPTH, width), 7, f"{SCOPE}/conv1", stride=2, padding="valid")
    features = layers.MaxPooling2D(3, 2, "same")(layers.ReLU(6.0)(features))
    maps = []
    for block, (units, depth) in enumerate(BLOCKS, start=1):
        for unit in range(1, units + 1):
            stride = 2 if unit == 1 and block > 1 else 1
            scope = f"{SCOPE}/block{block}/unit_{unit}/bottleneck_v1"
            features = _bottleneck(features, scaled(depth, width), stride, unit == 1, scope, style)
        maps.append(features)
    return maps


def _bottleneck(
    features: tf.Tensor, depth: int, stride: int, project: bool, scope: str, style: LayerStyle
) -> tf.Tensor:
    """Add three convolutions, 1x1 of the stride, 3x3 and 1x1, to the features, projected or as they are."""
    shortcut = style.convolve(features, EXPANSION * depth, 1, f"{scope}/shortcut", stride) if project else features
    residual = layers.ReLU(6.0)(style.convolve(features, depth, 1, f"{scope}/conv1", stride))
    residual = layers.ReLU(6.0)(style.convolve(residual, depth, 3, f"{scope}/conv2"))
    residual = style.convolve(residual, EXPANSION * depth, 1, f"{scope}/conv3")
    return layers.ReLU()(layers.Add()([shortcut, residual]))
