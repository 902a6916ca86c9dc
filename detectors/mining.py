"""Hard example mining as the Object Detection API does it: which anchors of an image count in the loss."""

from __future__ import annotations

import tensorflow as tf

from detectors.matcher import pairwise_iou

NEGATIVES_PER_POSITIVE = 3
MIN_NEGATIVES = 3  # per image
MAX_CANDIDATES = 3000  # per image
MINING_IOU = 0.99


def mine(decoded: tf.Tensor, losses: tf.Tensor, matched: tf.Tensor) -> tf.Tensor:
    """Return bool [N, A]: the anchors that count.

    Of the boxes that survive non-maximum suppression by loss (decoded [N, A, 4], losses [N, A]), those are all
    the matched ones and, in order of falling loss, three times as many unmatched ones, but never fewer than three.
    """
    decoded, losses = tf.stop_gradient(decoded), tf.stop_gradient(losses)
    order = tf.argsort(losses, axis=-1, direction="DESCENDING", stable=True)
    survivors = survivors_by_pairs if _on_accelerator() else survivors_by_rank
    alone = survivors(tf.gather(decoded, order, batch_dims=1))
    positive = tf.gather(matched, order, batch_dims=1)
    negatives = tf.cumsum(tf.cast(alone & ~positive, tf.int32), axis=-1)
    positives = tf.reduce_sum(tf.cast(alone & positive, tf.int32), axis=-1, keepdims=True)
    kept = alone & (positive | (negatives <= tf.maximum(NEGATIVES_PER_POSITIVE * positives, MIN_NEGATIVES)))
    return tf.gather(kept, tf.argsort(order, axis=-1), batch_dims=1)


def survivors_by_rank(boxes: tf.Tensor) -> tf.Tensor:
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


def survivors_by_pairs(boxes: tf.Tensor) -> tf.Tensor:
    """Return what `survivors_by_rank` does, from the overlaps of all pairs [N, A, A]: for GPUs and XLA.

    A box is left if no better box that is left overlaps it. Applied to all boxes again and again, this rule settles
    the best box first and then at least one more each time; its one fixed point is the greedy choice.
    """
    rank = tf.range(tf.shape(boxes)[1])
    overlapping = tf.map_fn(lambda image: pairwise_iou(image, image[None])[0] > MINING_IOU, boxes,
                            fn_output_signature=tf.bool)
    suppressed_by = overlapping & (rank[None, :] < rank[:, None])

    def settle(alone: tf.Tensor, changed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        left = ~tf.reduce_any(suppressed_by & alone[:, None, :], axis=2)
        return left, tf.reduce_any(left != alone)

    alone, _ = tf.while_loop(lambda alone, changed: changed, settle, (tf.ones(tf.shape(boxes)[:2], tf.bool), True))
    return alone & (tf.cumsum(tf.cast(alone, tf.int32), axis=1) <= MAX_CANDIDATES)


def _on_accelerator() -> bool:
    """Tell whether the other form has no kernel here: on a GPU, or where XLA compiles."""
    compiling = tf.__internal__.get_enclosing_xla_context() is not None
    return compiling or bool(tf.config.list_logical_devices("GPU"))
