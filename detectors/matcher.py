"""Which ground-truth box each anchor answers for: best overlap, and at least one anchor for every box.

The rules and their ties are those of the Object Detection API's ArgMaxMatcher with `force_match_for_each_row`.
"""

from __future__ import annotations

import tensorflow as tf

IOU_THRESHOLD = 0.5


def match(anchors: tf.Tensor, boxes: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """Return int32 [N, A]: the index of the box that each anchor matches, -1 for background.

    anchors [A, 4], boxes [N, M, 4], valid bool [N, M] (False for padding, which matches nothing). An anchor takes
    the box it overlaps most if their IoU is at least 0.5. Then each box also takes the anchor it overlaps most,
    whatever the IoU. The lowest index wins every tie, also where two boxes want one anchor.
    """
    # One column of padding, so that a batch without any box still has something to take the maximum of.
    valid = tf.pad(valid, [[0, 0], [0, 1]])
    overlap = pairwise_iou(anchors, tf.pad(boxes, [[0, 0], [0, 1], [0, 0]]))
    overlap = tf.where(valid[:, None, :], overlap, -1.0)
    best_box = tf.argmax(overlap, axis=2, output_type=tf.int32)
    by_overlap = tf.where(tf.reduce_max(overlap, axis=2) >= IOU_THRESHOLD, best_box, -1)
    forced = _first_claim(tf.argmax(overlap, axis=1, output_type=tf.int32), valid, tf.shape(anchors)[0])
    return tf.where(forced < tf.int32.max, forced, by_overlap)


def pairwise_iou(anchors: tf.Tensor, boxes: tf.Tensor) -> tf.Tensor:
    """Return float32 [N, A, M]: intersection over union of anchors [A, 4] with boxes [N, M, 4]; 0 where apart."""
    ymin, xmin, ymax, xmax = tf.split(anchors, 4, axis=-1)
    box_ymin, box_xmin, box_ymax, box_xmax = (side[:, None, :] for side in tf.unstack(boxes, axis=-1))
    height = tf.minimum(ymax, box_ymax) - tf.maximum(ymin, box_ymin)
    width = tf.minimum(xmax, box_xmax) - tf.maximum(xmin, box_xmin)
    intersection = tf.maximum(height, 0.0) * tf.maximum(width, 0.0)
    box_area = (box_ymax - box_ymin) * (box_xmax - box_xmin)
    return tf.math.divide_no_nan(intersection, (ymax - ymin) * (xmax - xmin) + box_area - intersection)


def _first_claim(best_anchor: tf.Tensor, valid: tf.Tensor, num_anchors: tf.Tensor) -> tf.Tensor:
    """Return int32 [N, A]: the lowest valid box [N, M] whose best anchor this is, the largest int32 if none is."""
    images = tf.shape(valid)[0]
    claimed = best_anchor + tf.range(images)[:, None] * num_anchors
    box = tf.broadcast_to(tf.range(tf.shape(valid)[1]), tf.shape(valid))
    # Segment -1 is left out: no padding claims anything.
    first = tf.math.unsorted_segment_min(box, tf.where(valid, claimed, -1), images * num_anchors)
    return tf.reshape(first, [images, num_anchors])
