"""The training losses of the two detectors, as the Object Detection API computes them.

All run in float32. Anchors are [A, 4]; outputs hold "boxes" (encodings) [N, A, 4] and "logits" [N, A, K + 1]; boxes
are float32 [N, M, 4], normalised [ymin, xmin, ymax, xmax]; classes are int32 [N, M], 0-based, -1 for padding.
"""

from __future__ import annotations

import tensorflow as tf

from detectors import box_coder
from detectors.matcher import match
from detectors.mining import mine

CODES = 4
FOCAL_ALPHA, FOCAL_GAMMA = 0.25, 2  # arXiv 1708.02002, equation 5


def ssd_loss(
    anchors: tf.Tensor, outputs: dict[str, tf.Tensor], boxes: tf.Tensor, classes: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Return the scalars "localization" and "classification" of one batch, with hard example mining.

    Both sums run over the mined anchors and are divided by the number of matched anchors, mined or not (see
    `normaliser`).
    """
    matches = match(anchors, boxes, classes >= 0)
    localization = localization_losses(outputs["boxes"], anchors, boxes, matches)
    classification = classification_losses(outputs["logits"], classes, matches)
    decoded = box_coder.decode(outputs["boxes"], anchors)
    mined = tf.cast(mine(decoded, classification, matches >= 0), tf.float32)
    number = normaliser(matches)
    return {
        "localization": tf.reduce_sum(localization * mined) / number,
        "classification": tf.reduce_sum(classification * mined) / number,
    }


def focal_ssd_loss(
    anchors: tf.Tensor, outputs: dict[str, tf.Tensor], boxes: tf.Tensor, classes: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Return the scalars "localization" and "classification" of one batch, with the focal loss over all anchors.

    Both sums are divided by the number of matched anchors (see `normaliser`), localisation also by its four codes.
    """
    matches = match(anchors, boxes, classes >= 0)
    localization = localization_losses(outputs["boxes"], anchors, boxes, matches)
    classification = focal_losses(outputs["logits"], classes, matches)
    number = normaliser(matches)
    return {
        "localization": tf.reduce_sum(localization) / (CODES * number),
        "classification": tf.reduce_sum(classification) / number,
    }


def normaliser(matches: tf.Tensor) -> tf.Tensor:
    """Return the number of matched anchors in the whole batch, at least 1, divided by the number of replicas.

    The batch is that of all replicas together. A trainer divides each replica's loss by their number and adds up the
    gradients: so divided, their sum is the gradient that one device finds on the whole batch.
    """
    matched = tf.reduce_sum(tf.cast(matches >= 0, tf.float32))
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if replicas == 1 or tf.distribute.in_cross_replica_context():
        return tf.maximum(matched, 1.0)
    everywhere = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, matched)
    return tf.maximum(everywhere, 1.0) / replicas


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


def focal_losses(logits: tf.Tensor, classes: tf.Tensor, matches: tf.Tensor) -> tf.Tensor:
    """Return float32 [N, A]: focal sigmoid loss (alpha 0.25, gamma 2) summed over the K + 1 slots.

    Background has all targets 0, that of slot 0 too. Lin et al. 2017, arXiv 1708.02002, equation 5.
    """
    slots = tf.where(matches >= 0, _of_match(classes, matches) + 1, -1)
    targets = tf.one_hot(slots, tf.shape(logits)[-1])
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
    probability = tf.sigmoid(logits)
    miss = tf.where(targets > 0, 1.0 - probability, probability)
    alpha = tf.where(targets > 0, FOCAL_ALPHA, 1.0 - FOCAL_ALPHA)
    return tf.reduce_sum(alpha * miss**FOCAL_GAMMA * entropy, axis=-1)


def _of_match(values: tf.Tensor, matches: tf.Tensor) -> tf.Tensor:
    """Return [N, A, ...]: the row of values [N, M, ...] that each anchor matches; anything where it matches none."""
    padding = [[0, 0], [0, 1]] + [[0, 0]] * (len(values.shape) - 2)
    return tf.gather(tf.pad(values, padding), tf.maximum(matches, 0), batch_dims=1)
