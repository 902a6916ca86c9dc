"""From a detector's raw outputs to at most 100 detections per image."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from detectors import box_coder

MAX_DETECTIONS = 100  # per class and per image
IOU_THRESHOLD = 0.6
SCORE_THRESHOLD = 1e-8


class Detections(NamedTuple):
    """Detections of N images, by falling score; rows from `valid` on are padding."""

    boxes: tf.Tensor  # float32 [N, 100, 4] normalised [ymin, xmin, ymax, xmax], clipped to [0, 1]
    scores: tf.Tensor  # float32 [N, 100]
    classes: tf.Tensor  # int32 [N, 100], 0-based
    valid: tf.Tensor  # int32 [N]


def postprocess(outputs: dict[str, tf.Tensor], anchors: tf.Tensor) -> Detections:
    """Return the detections of encodings [N, A, 4] and logits [N, A, K + 1] (slot 0 is background).

    Suppression is greedy, per class, on unclipped boxes; boxes that lie outside the image are dropped afterwards.
    """
    boxes = box_coder.decode(outputs["boxes"], anchors)
    scores = tf.sigmoid(outputs["logits"][..., 1:])
    boxes, scores, classes, valid = tf.image.combined_non_max_suppression(
        boxes[:, :, None, :], scores, MAX_DETECTIONS, MAX_DETECTIONS, IOU_THRESHOLD, SCORE_THRESHOLD, clip_boxes=True
    )
    return _drop_empty(Detections(boxes, scores, tf.cast(classes, tf.int32), valid))


def _drop_empty(found: Detections) -> Detections:
    """Move the detections that clipping left without an area behind the others, out of `valid`."""
    area = tf.reduce_prod(found.boxes[..., 2:] - found.boxes[..., :2], axis=-1)
    kept = tf.sequence_mask(found.valid, MAX_DETECTIONS) & (area > 0)
    order = tf.argsort(tf.cast(~kept, tf.int32), axis=-1, stable=True)
    boxes, scores, classes = (tf.gather(rows, order, batch_dims=1) for rows in found[:3])
    return Detections(boxes, scores, classes, tf.reduce_sum(tf.cast(kept, tf.int32), axis=-1))
