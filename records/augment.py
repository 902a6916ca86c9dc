"""Augmentations of the original recipes; every random number is a function of the seed and the example's number."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True)
class Crop:
    """How a recipe cuts its windows: the numbers of one crop in the original's configuration."""

    overlaps: tuple[float, ...]  # one is drawn: the share of some box in the window, and of every box that is kept
    aspects: tuple[float, float]  # width over height
    areas: tuple[float, float]  # share of the image
    keep_original: float  # probability of the whole image


CROPS = {
    "ssd_crop": Crop((0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0), (0.5, 2.0), (0.1, 1.0), keep_original=0.15),
    "image_crop": Crop((0.0,), (0.75, 3.0), (0.75, 1.0), keep_original=0.0),
}


def crop_window(crop: Crop, boxes: tf.Tensor, height: tf.Tensor, width: tf.Tensor, seed: tf.Tensor) -> tuple:
    """Choose what `crop` cuts out: return the window float32 [4] and the overlap a box must keep.

    boxes float32 [M, 4] normalised [ymin, xmin, ymax, xmax]; height, width in pixels; seed int64 [2].
    `ssd_random_crop` and `random_crop_image` of the TensorFlow Object Detection API, which both try a hundred windows
    and then take the whole image; the first is section 2.2 of Liu et al. 2016, arXiv 1512.02325.
    """
    draw = tf.random.stateless_uniform([2], seed)
    overlap = tf.gather(tf.constant(crop.overlaps), tf.cast(draw[0] * len(crop.overlaps), tf.int32))
    _, _, window = tf.image.stateless_sample_distorted_bounding_box(
        tf.stack([height, width, 3]), tf.clip_by_value(boxes, 0.0, 1.0)[None], seed + 1, min_object_covered=overlap,
        aspect_ratio_range=crop.aspects, area_range=crop.areas, max_attempts=100, use_image_if_no_bounding_boxes=True)
    whole = draw[1] < crop.keep_original
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
