"""The Single Shot Detector's training loss, with hard example mining as the Object Detection API does it."""

from __future__ import annotations

import tensorflow as tf

from detectors import box_coder
from detectors.matcher import match

NEGATIVES_PER_POSITIVE = 3
MIN_NEGATIVES = 3  # per image
MAX_CANDIDATES = 3000  # per image
MINING_IOU = 0.99


def ssd_loss(
    anchors: tf.Tensor, outputs: dict[str, tf.Tensor], boxes: tf.Tensor, classes: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Return the scalars "localization" and "classification" of one batch.

    anchors [A, 4]; outputs: "boxes" (encodings) [N, A, 4] and "logits" [N, A, K + 1]; boxes float32 [N, M, 4],
    normalised [ymin, xmin, ymax, xmax]; classes int32 [N, M], 0-based, -1 for padding. Both sums run over the mined
    anchors and are divided by the number of matched anchors in the whole batch, mined or not.
    """
    matches = match(anchors, boxes, classes >= 0)
    matched = matches >= 0
    localization = localization_losses(outputs["boxes"], anchors, boxes, matches)
    classification = classification_losses(outputs["logits"], classes, matches)
    decoded = box_coder.decode(outputs["boxes"], anchors)
    mined = tf.cast(mine(decoded, classification, matched), tf.float32)
    normaliser = tf.maximum(tf.reduce_sum(tf.cast(matched, tf.float32)), 1.0)
    return {
        "localization": tf.reduce_sum(localization * mined) / normaliser,
        "classification": tf.reduce_sum(classification * mined) / normaliser,
    }


def localization_losses(encodings: tf.Tensor, anchors: tf.Tensor, boxes: tf.Tensor, matches: tf.Tensor) -> tf.Tensor:
    """Return float32 [N, A]: smooth L1 (Huber, delta 1) summed over the four codes; 0 for unmatched anchors."""
    targets = box_coder.encode(_of_match(boxes, matches), anchors)
    distance = tf.abs(encodings - targets)
    smooth = tf.where(distance < 1.0, 0.5 * tf.square(distance), distance - 0.5)
    return tf.where(matches >= 0, tf.reduce_sum(smooth, axis=-1), 0.0)


def classification_losses(logits: tf.Tensor, classes: tf.Tensor, matches: tf.Tensor) -> tf.Tensor:
    """Return float32 [N, A]: sigmoid cross-entropy summed over the K + 1 slots, of which slot 0 is background."""
    slots = tf.where(matches >= 0, _of_match(classes, matches) + 1, 0)
    targets = tf.one_hot(slots, tf.shape(logits)[-1])
    return tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(targets, logits), axis=-1)


def mine(decoded: tf.Tensor, losses: tf.Tensor, matched: tf.Tensor) -> tf.Tensor:
    """Return bool [N, A]: the anchors that count.

    Of the boxes that survive non-maximum suppression by loss (decoded [N, A, 4], losses [N, A]), those are all
    the matched ones and, in order of falling loss, three times as many unmatched ones, but never fewer than three.
    """
    decoded, losses = tf.stop_gradient(decoded), tf.stop_gradient(losses)
    order = tf.argsort(losses, axis=-1, direction="DESCENDING", stable=True)
    alone = _survivors(tf.gather(decoded, order, batch_dims=1))
    positive = tf.gather(matched, order, batch_dims=1)
    negatives = tf.cumsum(tf.cast(alone & ~positive, tf.int32), axis=-1)
    positives = tf.reduce_sum(tf.cast(alone & positive, tf.int32), axis=-1, keepdims=True)
    kept = alone & (positive | (negatives <= tf.maximum(NEGATIVES_PER_POSITIVE * positives, MIN_NEGATIVES)))
    return tf.gather(kept, tf.argsort(order, axis=-1), batch_dims=1)


def _survivors(boxes: tf.Tensor) -> tf.Tensor:
    """Return bool [N, A]: the boxes [N, A, 4], best first, that are left by greedy suppression at IoU 0.99.

    `combined_non_max_suppression` takes a whole batch, in parallel, but does not tell which boxes it kept: so each
    box's score is its rank, exact in float32, and the scores that come back name the boxes.
    """
    anchors = tf.shape(boxes)[1]
    scores = tf.broadcast_to(tf.range(anchors, 0, -1, dtype=tf.float32), tf.shape(boxes)[:2])
    limit = tf.minimum(anchors, MAX_CANDIDATES)
    kept = tf.image.combined_non_max_suppression(
        boxes[:, :, None, :], scores[:, :, None], limit, limit, MINING_IOU, clip_boxes=False
    ).nmsed_scores
    # Padding comes back with score 0: position `anchors`, which bincount leaves out.
    positions = anchors - tf.cast(kept, tf.int32)
    return tf.math.bincount(positions, minlength=anchors, maxlength=anchors, axis=-1, binary_output=True) > 0


def _of_match(values: tf.Tensor, matches: tf.Tensor) -> tf.Tensor:
    """Return [N, A, ...]: the row of values [N, M, ...] that each anchor matches; anything where it matches none."""
    padding = [[0, 0], [0, 1]] + [[0, 0]] * (len(values.shape) - 2)
    return tf.gather(tf.pad(values, padding), tf.maximum(matches, 0), batch_dims=1)
