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

    Suppression is greedy, per class, on unclipped boxes; boxes that lie outside the image are dropped afterwards, and
    the best of what is left are returned.
    """
    boxes = box_coder.decode(outputs["boxes"], anchors)
    scores = tf.sigmoid(outputs["logits"][..., 1:])
    most = MAX_DETECTIONS * scores.shape[-1]  # of all classes together
    boxes, scores, classes, valid = tf.image.combined_non_max_suppression(
        boxes[:, :, None, :], scores, MAX_DETECTIONS, most, IOU_THRESHOLD, SCORE_THRESHOLD, clip_boxes=True
    )
    return _keep_best(Detections(boxes, scores, tf.cast(classes, tf.int32), valid))


def _keep_best(found: Detections) -> Detections:
    """Return the first detections, by falling score as they are, that clipping has left an area."""
    area = tf.reduce_prod(found.boxes[..., 2:] - found.boxes[..., :2], axis=-1)
    kept = tf.sequence_mask(found.valid, tf.shape(area)[1]) & (area > 0)
    order = tf.argsort(tf.cast(~kept, tf.int32), axis=-1, stable=True)[:, :MAX_DETECTIONS]
    boxes, scores, classes = (tf.gather(rows, order, batch_dims=1) for rows in found[:3])
    valid = tf.minimum(tf.reduce_sum(tf.cast(kept, tf.int32), axis=-1), MAX_DETECTIONS)
    return Detections(boxes, scores, classes, valid)
