"""SSD on ResNet v1 with a feature pyramid, as the original TensorFlow Object Detection API computes it.

The configuration is `ssd_resnet101_v1_fpn_shared_box_predictor_oid_512x512_sync` (2019): six levels from stride 4 on,
and one predictor for all of them whose batch normalisations, but not its kernels, are each level's own. Layers carry
the scopes of its checkpoint as names. Lin et al. 2017, arXiv 1612.03144 (pyramid) and 1708.02002 (predictor, loss).
It has 101 layers in the backbone, or by the same code 50 or 152.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import tensorflow as tf
import tf_keras
from tf_keras import layers
from tf_keras.initializers import Constant, RandomNormal, TruncatedNormal

from datasets.errors import InputError
from detectors.anchors import PYRAMID_SHAPES, pyramid_anchors
from detectors.detector import Detector
from detectors.layer_style import LayerStyle
from detectors.losses import focal_ssd_loss
from detectors.resnet_v1 import UNITS, resnet, scaled, scope_of

PREDICTOR = "WeightSharedConvolutionalBoxPredictor"
CHANNEL_MEANS = (123.68, 116.779, 103.939)  # RGB
CHANNELS = 256  # of pyramid and predictor
TOWER_LAYERS = 2
FEATURES_STDDEV = 0.03
PREDICTOR_STDDEV = 0.01
CLASS_BIAS = -4.6  # a probability of 1 % everywhere at the start; arXiv 1708.02002, section 3.3
BACKBONE_EPSILON = 1e-5  # that of TF-Slim's ResNet, which the original's override of it leaves in place
EPSILON = 1e-3


def build(
    num_classes: int,
    input_size: int = 512,
    width: float = 1.0,
    weight_decay: float = 4e-4,
    batch_norm_momentum: float = 0.997,
    synchronized: bool = False,
    depth: int = 101,
) -> Detector:
    """Build the detector with fresh weights for square images of `input_size` pixels.

    `width` multiplies the channels of backbone, pyramid and predictor, which keep at least 16; `depth` is the layers
    of the backbone, of ImageNet's classifier with its last one.
    """
    if depth not in UNITS:
        raise InputError(f"ssd_resnet101_fpn: depth {depth}; take {', '.join(map(str, UNITS))}")
    if input_size < 64 or not 0 < width < float("inf") or num_classes < 1:
        raise InputError(f"ssd_resnet101_fpn: input_size {input_size}, width {width:g}, {num_classes} classes; "
                         "it needs at least 64 pixels, a positive, finite width and a class")
    backbone = LayerStyle(partial(TruncatedNormal, stddev=FEATURES_STDDEV), weight_decay, batch_norm_momentum,
                          BACKBONE_EPSILON, synchronized)
    pyramid = replace(backbone, epsilon=EPSILON)
    predictor = replace(pyramid, initializer=partial(RandomNormal, stddev=PREDICTOR_STDDEV))
    images = layers.Input((input_size, input_size, 3), name="images")
    pixels = layers.Rescaling(1.0, offset=[-mean for mean in CHANNEL_MEANS], dtype="float32", name="normalise")(images)
    maps = feature_pyramid(resnet(pixels, depth, width, backbone), scaled(CHANNELS, width), pyramid, scope_of(depth))
    anchors = pyramid_anchors(input_size, [tuple(features.shape[1:3]) for features in maps])
    outputs = {
        "boxes": _predict(maps, "Box", 4, "zeros", predictor),
        "logits": _predict(maps, "Class", num_classes + 1, Constant(CLASS_BIAS), predictor),
    }
    return Detector(
        kind="ssd_resnet101_fpn",
        model=tf_keras.Model(images, outputs, name="ssd_resnet101_fpn"),
        anchors=anchors,
        num_classes=num_classes,
        backbone=rf"{scope_of(depth)}/(conv1|block[1-4])/.*",
        loss=partial(focal_ssd_loss, tf.constant(anchors)),
    )


def feature_pyramid(maps: list[tf.Tensor], channels: int, style: LayerStyle, scope: str) -> list[tf.Tensor]:
    """Return six maps of `channels` channels: levels 2 to 5 as large as `maps`, then two more, each half the last.

    The coarsest of `maps` becomes level 5 by a 1x1 projection alone. What goes down a level is the sum before it is
    smoothed. Layers are named under `scope`.
    """
    down = _project(maps[3], channels, style, f"{scope}/fpn/projection_4")
    levels = [down]
    for number in (3, 2, 1):
        lateral = _project(maps[number - 1], channels, style, f"{scope}/fpn/projection_{number}")
        down = layers.Add()([_double(down, lateral), lateral])
        levels.insert(0, layers.ReLU(6.0)(style.convolve(down, channels, 3, f"{scope}/fpn/smoothing_{number}")))
    for number in (5, 6):
        coarser = style.convolve(levels[-1], channels, 3, f"{scope}/fpn/bottom_up_block{number}", stride=2)
        levels.append(layers.ReLU(6.0)(coarser))
    return levels


def _project(features: tf.Tensor, channels: int, style: LayerStyle, name: str) -> tf.Tensor:
    return layers.Conv2D(channels, 1, name=name, **style.kernel())(features)


def _double(features: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Repeat every row and column; where the finer map is odd, it ends before the last repetition."""
    # Not UpSampling2D, whose gradient XLA cannot compile.
    rows, columns = like.shape[1:3]
    return tf.repeat(tf.repeat(features, 2, axis=1), 2, axis=2)[:, :rows, :columns]


def _predict(maps: list[tf.Tensor], what: str, size: int, bias: str | Constant, style: LayerStyle) -> tf.Tensor:
    """Return float32 [N, A, size] of all levels: a tower of 3x3 convolutions and one without activation on top."""
    channels = maps[0].shape[-1]
    for index in range(TOWER_LAYERS):
        name = f"{PREDICTOR}/{what}PredictionTower/conv2d_{index}"
        convolve = layers.Conv2D(channels, 3, padding="same", use_bias=False, name=name, **style.kernel())
        maps = [
            layers.ReLU(6.0)(style.batch_norm(f"{name}/BatchNorm/feature_{level}")(convolve(features)))
            for level, features in enumerate(maps)
        ]
    predict = layers.Conv2D(len(PYRAMID_SHAPES) * size, 3, padding="same", name=f"{PREDICTOR}/{what}Predictor",
                            bias_initializer=bias, **style.kernel())
    return layers.Concatenate(axis=1, dtype="float32")([layers.Reshape((-1, size))(predict(f)) for f in maps])
