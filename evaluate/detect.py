"""Detections of a trained detector over a validation data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from datasets.annotations import Annotations
from datasets.errors import InputError
from detectors.detector import Detector
from detectors.postprocess import postprocess
from evaluate.detections import Detection

DECIMALS = 3  # of a pixel; keeps the file small, and the file scores exactly as the list does


def detect(detector: Detector, dataset: Iterable, truth: Annotations,
           predict: Callable | None = None) -> list[Detection]:
    """Return the detections in every image of `dataset`, boxes in pixels of the original image.

    `dataset` yields (images float32 [n, S, S, 3] in 0..255, {"image_id" int64 [n], "height", "width" int32 [n]});
    n may vary. `predict` is what `build_predictor` made of the detector, where it is at hand.
    Raises InputError unless each image of `truth` comes exactly once: one left out would flatter the mAP.
    """
    predict = predict or build_predictor(detector)
    category_ids = np.array(truth.category_ids)
    detections: list[Detection] = []
    seen: list[int] = []
    for images, sizes in dataset:
        sizes = {key: value.numpy() for key, value in sizes.items()}
        boxes, scores, classes, valid = (tensor.numpy() for tensor in predict(images))
        detections += _to_coco(boxes, scores, classes, valid, sizes, category_ids)
        seen += sizes["image_id"].tolist()
    _check_complete(seen, truth)
    return detections


def build_predictor(detector: Detector) -> Callable:
    """Return a graph function from images [n, S, S, 3] to boxes, scores, classes and counts (see postprocess).

    It is traced once, whatever the batch: a shorter last one costs nothing extra.
    """
    side = detector.model.input_shape[1:]

    @tf.function(input_signature=[tf.TensorSpec([None, *side], tf.float32)])
    def predict(images):
        return postprocess(detector.model(images, training=False), tf.constant(detector.anchors))

    return predict


def _to_coco(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, valid: np.ndarray,
             sizes: dict[str, np.ndarray], category_ids: np.ndarray) -> list[Detection]:
    """Return one batch as COCO results: normalised [ymin, xmin, ymax, xmax] [n, M, 4] to [x, y, width, height]."""
    kept = np.arange(boxes.shape[1]) < valid[:, None]
    scale = np.stack([sizes["width"], sizes["height"]] * 2, axis=-1).astype(np.float64)
    ymin, xmin, ymax, xmax = np.moveaxis(boxes, -1, 0)
    pixels = np.stack([xmin, ymin, xmax - xmin, ymax - ymin], axis=-1) * scale[:, None]
    image_ids = np.broadcast_to(sizes["image_id"][:, None], kept.shape)
    return [
        {"image_id": image_id, "category_id": category_id, "bbox": box, "score": score}
        for image_id, category_id, box, score in zip(
            image_ids[kept].tolist(), category_ids[classes[kept]].tolist(),
            np.round(pixels[kept], DECIMALS).tolist(), scores[kept].tolist())
    ]


def _check_complete(seen: list[int], truth: Annotations) -> None:
    if sorted(seen) != sorted(truth.image_ids.tolist()):
        missing, foreign = set(truth.image_ids.tolist()) - set(seen), set(seen) - set(truth.image_ids.tolist())
        raise InputError(f"{truth.source or 'truth'}: the validation records hold {len(seen)} images, the annotations "
                         f"{truth.num_images} ({len(missing)} absent, {len(foreign)} foreign); make the records again")
