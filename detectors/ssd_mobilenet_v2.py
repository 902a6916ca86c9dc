"""SSD on MobileNetV2, as the original TensorFlow Object Detection API computes it.

The configuration is `ssd_mobilenet_v2_oid_v4` (2018): 1x1 heads directly on six feature maps, no separable layers.
Layers carry the scopes of its checkpoint as names. Sandler et al. 2018, arXiv 1801.04381; Liu et al. 2016,
arXiv 1512.02325.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

import tensorflow as tf
import tf_keras
from tf_keras import layers
from tf_keras.initializers import TruncatedNormal

from datasets.errors import InputError
from detectors.anchors import ssd_anchors, ssd_shapes
from detectors.detector import Detector
from detectors.layer_style import LayerStyle
from detectors.losses import ssd_loss

SCOPE = "FeatureExtractor/MobilenetV2"
BACKBONE = rf"{SCOPE}/(Conv|expanded_conv(_\d+)?|Conv_1)/.*"  # what the classifier has too: not the extra layers
TAPS = ("block_13_expand_relu", "out_relu")  # keras's names of the original's layer_15/expansion_output, layer_19
EXTRA_DEPTHS = (512, 256, 256, 128)
MIN_DEPTH = 16
BACKBONE_STDDEV = 0.09
NEW_LAYER_STDDEV = 0.03
BATCH_NORM_EPSILON = 1e-3


def build(
    num_classes: int,
    input_size: int = 300,
    width: float = 1.0,
    weight_decay: float = 4e-5,
    batch_norm_momentum: float = 0.9997,
    synchronized: bool = False,
) -> Detector:
    """Build the detector with fresh weights for square images of `input_size` pixels.

    `width` multiplies the depths of backbone (but the last 1280) and extra layers, which keep at least 16.
    """
    if input_size < 32 or not 0 < width < float("inf") or num_classes < 1:
        raise InputError(f"ssd_mobilenet_v2: input_size {input_size}, width {width:g}, {num_classes} classes; "
                         "it needs at least 32 pixels, a positive, finite width and a class")
    backbone = LayerStyle(partial(TruncatedNormal, stddev=BACKBONE_STDDEV), weight_decay, batch_norm_momentum,
                          BATCH_NORM_EPSILON, synchronized)
    style = replace(backbone, initializer=partial(TruncatedNormal, stddev=NEW_LAYER_STDDEV))
    images, maps = _backbone(input_size, width, backbone)
    maps = _add_extra_layers(maps, width, style)
    shapes = ssd_shapes(len(maps))
    heads = [_head(i, features, len(shapes[i]), num_classes, style) for i, features in enumerate(maps)]
    boxes, logits = (layers.Concatenate(axis=1, dtype="float32")(parts) for parts in zip(*heads))
    anchors = ssd_anchors([tuple(features.shape[1:3]) for features in maps])
    return Detector(
        kind="ssd_mobilenet_v2",
        model=tf_keras.Model(images, {"boxes": boxes, "logits": logits}, name="ssd_mobilenet_v2"),
        anchors=anchors,
        num_classes=num_classes,
        backbone=BACKBONE,
        loss=partial(ssd_loss, tf.constant(anchors)),
    )


def _backbone(input_size: int, width: float, style: LayerStyle) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Return the input and the two tapped maps of MobileNetV2, pixels scaled to -1..1 on the way in."""
    images = layers.Input((input_size, input_size, 3), name="images")
    pixels = layers.Rescaling(2.0 / 255.0, offset=-1.0, dtype="float32", name="normalise")(images)
    stock = tf_keras.applications.MobileNetV2(input_tensor=pixels, alpha=width, include_top=False, weights=None)
    tapped = tf_keras.Model(images, [stock.get_layer(name).output for name in TAPS])
    original = tf_keras.models.clone_model(tapped, clone_function=partial(_as_original, style))
    return original.input, original.outputs


def _as_original(style: LayerStyle, layer: layers.Layer) -> layers.Layer:
    """Return an unbuilt copy of a stock layer with the original's name, initialiser, decay and momentum."""
    config = layer.get_config()
    if layer.weights:
        config["name"] = _zoo_scope(layer.name)
    if isinstance(layer, layers.DepthwiseConv2D):
        config["depthwise_initializer"] = style.initializer()
    elif isinstance(layer, layers.Conv2D):
        config |= style.kernel()
    elif isinstance(layer, layers.BatchNormalization):
        return style.batch_norm(config["name"])
    return type(layer).from_config(config)


def _zoo_scope(name: str) -> str:
    """Return the checkpoint's scope of a stock layer: `block_3_expand_BN` is `.../expanded_conv_3/expand/BatchNorm`."""
    name = {"Conv1": "Conv", "bn_Conv1": "Conv_BN", "Conv_1_bn": "Conv_1_BN"}.get(name, name)
    name = re.sub(r"^block_(\d+)", r"expanded_conv_\1", name)
    name = re.sub(r"_(expand|depthwise|project)", r"/\1", name)
    return f"{SCOPE}/{name.replace('_BN', '/BatchNorm')}"


def _add_extra_layers(maps: list[tf.Tensor], width: float, style: LayerStyle) -> list[tf.Tensor]:
    """Return the maps and four more, each a 1x1 reduction and a 3x3 convolution of stride 2 after the one before."""
    maps = list(maps)
    for index, depth in enumerate(EXTRA_DEPTHS, start=2):
        half, full = (max(MIN_DEPTH, int(d * width)) for d in (depth / 2, depth))
        reduced = style.convolve(maps[-1], half, 1, f"{SCOPE}/layer_19_1_Conv2d_{index}_1x1_{half}")
        larger = style.convolve(layers.ReLU(6.0)(reduced), full, 3, f"{SCOPE}/layer_19_2_Conv2d_{index}_3x3_s2_{full}",
                                stride=2)
        maps.append(layers.ReLU(6.0)(larger))
    return maps


def _head(index: int, features: tf.Tensor, shapes: int, num_classes: int, style: LayerStyle) -> tuple[tf.Tensor, ...]:
    """Return encodings [N, cells * shapes, 4] and logits [N, cells * shapes, K + 1] of one map, linear and 1x1."""
    outputs = []
    for name, size in (("BoxEncodingPredictor", 4), ("ClassPredictor", num_classes + 1)):
        predict = layers.Conv2D(shapes * size, 1, name=f"BoxPredictor_{index}/{name}", **style.kernel())
        outputs.append(layers.Reshape((-1, size))(predict(features)))
    return tuple(outputs)
