"""Boxes as offsets from anchors and back: the Faster R-CNN coder with the scales (10, 10, 5, 5).

t_y = 10 (y - y_a) / h_a, t_x = 10 (x - x_a) / w_a, t_h = 5 log(h / h_a), t_w = 5 log(w / w_a), centres and sizes.
Ren et al. 2015, arXiv 1506.01497, equation 2; scales and epsilon are the Object Detection API's.
All boxes are [ymin, xmin, ymax, xmax]; leading axes broadcast.
"""

from __future__ import annotations

import tensorflow as tf

CENTRE_SCALE = 10.0
SIZE_SCALE = 5.0
EPSILON = 1e-8


def encode(boxes: tf.Tensor, anchors: tf.Tensor) -> tf.Tensor:
    """Return float32 [..., A, 4] (t_y, t_x, t_h, t_w) of boxes [..., A, 4], each against its anchor [A, 4]."""
    centre, size = _centre_and_size(boxes)
    anchor_centre, anchor_size = _centre_and_size(anchors)
    size, anchor_size = size + EPSILON, anchor_size + EPSILON
    offset = (centre - anchor_centre) / anchor_size * CENTRE_SCALE
    return tf.concat([offset, tf.math.log(size / anchor_size) * SIZE_SCALE], axis=-1)


def decode(encodings: tf.Tensor, anchors: tf.Tensor) -> tf.Tensor:
    """Return float32 [..., A, 4] boxes of encodings [..., A, 4]; nothing is clipped."""
    anchor_centre, anchor_size = _centre_and_size(anchors)
    centre = encodings[..., :2] / CENTRE_SCALE * anchor_size + anchor_centre
    half = tf.exp(encodings[..., 2:] / SIZE_SCALE) * anchor_size / 2
    return tf.concat([centre - half, centre + half], axis=-1)


def _centre_and_size(boxes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    low, high = boxes[..., :2], boxes[..., 2:]
    size = high - low
    return low + size / 2, size
