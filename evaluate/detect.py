"""Detections of a trained detector over a validation data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import tensorflow as tf

from datasets.annotations import Annotations
from datasets.errors import InputError
from detectors.detector import Detector
from detectors.postprocess import postprocess
from evaluate.detections import Detections, join

DECIMALS = 3  # of a pixel; keeps the file small, and the file scores exactly as the arrays do


def detect(detector: Detector, dataset: Iterable, truth: Annotations,
           predict: Callable | None = None) -> Detections:
    """Return the detections in every image of `dataset`, boxes in pixels of the original image.

    `dataset` yields (images float32 [n, S, S, 3] in 0..255, {"image_id" int64 [n], "height", "width" int32 [n]});
    n may vary. `predict` is what `build_predictor` made of the detector, where it is at hand.
    Raises InputError unless each image of `truth` comes exactly once: one left out would flatter the mAP.
    """
    predict = predict or build_predictor(detector)
    seen = np.empty(0, np.int64)
    parts: list[Detections] = []
    for images, labels in dataset:
        boxes, scores, classes, valid = (tensor.numpy() for tensor in predict(images))
        parts.append(_in_pixels(boxes, scores, classes, valid, labels["width"].numpy(), labels["height"].numpy(),
                                first=len(seen)))
        seen = np.append(seen, labels["image_id"].numpy())
    detections = join(parts)
    return replace(detections, images=_positions(seen, truth)[detections.images])


def build_predictor(detector: Detector) -> Callable:
    """Return a graph function from images [n, S, S, 3] to boxes, scores, classes and counts (see postprocess).

    It is traced once, whatever the batch: a shorter last one costs nothing extra.
    """
    side = detector.model.input_shape[1:]

    @tf.function(input_signature=[tf.TensorSpec([None, *side], tf.float32)])
    def predict(images):
        return postprocess(detector.model(images, training=False), tf.constant(detector.anchors))

    return predict


def _in_pixels(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, valid: np.ndarray, widths: np.ndarray,
               heights: np.ndarray, first: int) -> Detections:
    """Return one batch's detections (see postprocess) in images of `widths` x `heights` [n] pixels.

    Their `images` are numbers from `first` on, in the order of the batch.
    """
    kept = np.arange(boxes.shape[1]) < valid[:, None]
    images = np.nonzero(kept)[0]
    ymin, xmin, ymax, xmax = boxes[kept].T
    pixels = np.stack([xmin, ymin, xmax - xmin, ymax - ymin], axis=-1) * np.stack([widths, heights] * 2, -1)[images]
    return Detections((first + images).astype(np.int32), classes[kept], np.round(pixels, DECIMALS),
                      scores[kept].astype(np.float64))


def _positions(seen: np.ndarray, truth: Annotations) -> np.ndarray:
    """Return int32 [I]: where in `truth` each of the images stands. Raises InputError unless each is there once."""
    by_id, order = np.argsort(truth.image_ids), np.argsort(seen, kind="stable")
    if not np.array_equal(seen[order], truth.image_ids[by_id]):
        missing, foreign = np.setdiff1d(truth.image_ids, seen), np.setdiff1d(seen, truth.image_ids)
        raise InputError(f"{truth.source or 'truth'}: the validation records hold {len(seen)} images, the annotations "
                         f"{truth.num_images} ({len(missing)} absent, {len(foreign)} foreign); make the records again")
    positions = np.empty(len(seen), np.int32)
    positions[order] = by_id
    return positions
