"""Augmentations of the original recipes; every random number is a function of the seed and the example's number."""

from __future__ import annotations

import tensorflow as tf

KEEP_ORIGINAL = 0.15
OVERLAPS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
ASPECTS = (0.5, 2.0)
AREAS = (0.1, 1.0)


def ssd_crop_window(boxes: tf.Tensor, height: tf.Tensor, width: tf.Tensor, seed: tf.Tensor) -> tuple:
    """Choose the crop of `ssd_random_crop`: return the window float32 [4] and the overlap a box must keep.

    boxes float32 [M, 4] normalised [ymin, xmin, ymax, xmax]; height, width in pixels; seed int64 [2].
    One of seven pairs of equal `min_object_covered` and overlap, aspect ratio .5 to 2, area .1 to 1; with
    probability .15 the whole image. Liu et al. 2016, arXiv 1512.02325, section 2.2, as the TensorFlow Object
    Detection API has it.
    """
    draw = tf.random.stateless_uniform([2], seed)
    overlap = tf.gather(tf.constant(OVERLAPS), tf.cast(draw[0] * len(OVERLAPS), tf.int32))
    _, _, window = tf.image.stateless_sample_distorted_bounding_box(
        tf.stack([height, width, 3]), tf.clip_by_value(boxes, 0.0, 1.0)[None], seed + 1, min_object_covered=overlap,
        aspect_ratio_range=ASPECTS, area_range=AREAS, max_attempts=100, use_image_if_no_bounding_boxes=True)
    whole = draw[1] < KEEP_ORIGINAL
    return (tf.where(whole, tf.constant([0.0, 0.0, 1.0, 1.0]), window[0, 0]), tf.where(whole, 0.0, overlap))


def crop_boxes(boxes: tf.Tensor, classes: tf.Tensor, window: tf.Tensor, overlap: tf.Tensor) -> tuple:
    """Return the boxes [m, 4] and classes [m] inside `window`, in its coordinates and clipped to it.

    A box stays if it has a part inside and at least `overlap` of its area.
    """
    low, high = window[:2], window[2:]
    inside = tf.concat([tf.maximum(boxes[:, :2], low), tf.minimum(boxes[:, 2:], high)], axis=1)
    size = tf.maximum(inside[:, 2:] - inside[:, :2], 0.0)
    share = tf.math.divide_no_nan(size[:, 0] * size[:, 1], tf.reduce_prod(boxes[:, 2:] - boxes[:, :2], axis=1))
    keep = (share > 0) & (share >= overlap)
    scale = tf.concat([high - low, high - low], axis=0)
    return tf.boolean_mask((inside - tf.concat([low, low], axis=0)) / scale, keep), tf.boolean_mask(classes, keep)


def flip_boxes(boxes: tf.Tensor) -> tf.Tensor:
    """Return boxes [M, 4] mirrored left to right."""
    ymin, xmin, ymax, xmax = tf.unstack(boxes, axis=1)
    return tf.stack([ymin, 1.0 - xmax, ymax, 1.0 - xmin], axis=1)
