"""From a trained cell to its result file: detections, COCO mAP, error bars, validation loss."""

from __future__ import annotations

import time

import msgspec
import tensorflow as tf
import tf_keras

from datasets.annotations import Annotations
from datasets.errors import InputError
from datasets.files import read_json, write_json
from detectors.detector import Detector, build
from evaluate.coco import score
from evaluate.detect import detect
from evaluate.detections import write_detections
from evaluate.result import NO_ERROR_BAR, metric_rows
from records.manifest import first_shards
from records.pipeline import validation_batches
from study.config import DetectorConfig, Study, find_dataset, find_detector, find_recipe
from study.data import image_bytes, image_folder, read_validation, validation_split
from study.identity import evaluation_inputs, fingerprint
from study.layout import RunFolder, StudyFolder
from study.matrix import Cell

BATCH_SIZE = 32


def evaluate_cell(study: Study, folder: StudyFolder, cell: Cell) -> dict:
    """Judge the trained `cell` on the validation images unless that is done; return the content of result.json.

    Raises InputError if the cell is not trained yet.
    """
    run = folder.run(cell)
    if not run.training.exists():
        raise InputError(f"{cell}: not trained yet; run train/train_subset.sh first")
    training = read_json(run.training)
    dataset = find_dataset(study, cell.dataset)
    truth = read_validation(dataset)
    identity = fingerprint(evaluation_inputs(
        study, truth, image_bytes(truth, image_folder(dataset, validation_split(dataset))), training["fingerprint"]))
    if run.result.exists() and run.detections.exists():
        result = read_json(run.result)
        if result.get("fingerprint") == identity:
            return result
    began = time.monotonic()
    metrics = _judge(study, folder, cell, truth, training["checkpoint"])
    result = {"cell": msgspec.to_builtins(cell), "recipe": study.recipe} | training | {
        "fingerprint": identity, "train_seconds": training["seconds"],
        "evaluate_seconds": round(time.monotonic() - began, 2), "metrics": metrics,
    }
    write_json(run.result, result)
    return result


def _judge(study: Study, folder: StudyFolder, cell: Cell, truth: Annotations, checkpoint: str) -> list[dict]:
    """Write the detections and return the metric rows."""
    config, run = find_detector(study, cell.detector), folder.run(cell)
    detector = load_detector(study, config, len(truth.categories), run, checkpoint)
    shards = first_shards(folder.validation_records(cell.dataset, config.stored_size), truth.num_images)
    batches = validation_batches(shards, batch_size=BATCH_SIZE, input_size=config.input_size)
    detections = detect(detector, batches, truth)
    write_detections(run.detections, detections, truth)
    loss = {"metric": "loss", "class": "", "value": validation_loss(detector, batches)}
    return metric_rows(score(truth, detections), study.bootstrap) + [loss | NO_ERROR_BAR]


def load_detector(study: Study, config: DetectorConfig, num_classes: int, run: RunFolder, checkpoint: str) -> Detector:
    """Return the detector with the weights of a run's checkpoint."""
    tf_keras.backend.clear_session()
    detector = build(config.kind, num_classes, input_size=config.input_size, width=config.width,
                     weight_decay=find_recipe(study, config).weight_decay)
    try:
        state = tf.train.Checkpoint(model=detector.model).read(str(run.checkpoints / checkpoint))
        state.expect_partial().assert_existing_objects_matched()
    except (tf.errors.OpError, AssertionError, ValueError):
        raise InputError(f"{run.checkpoints / checkpoint}: the checkpoint is missing or damaged; delete {run.root} and "
                         "run it again") from None
    return detector


def validation_loss(detector: Detector, batches: tf.data.Dataset) -> float:
    """Return the mean over images of localisation + classification loss, without weight decay."""

    @tf.function(reduce_retracing=True)
    def loss(images, labels):
        parts = detector.loss(detector.model(images, training=False), labels["boxes"], labels["classes"])
        return parts["localization"] + parts["classification"]

    total, images_seen = 0.0, 0
    for images, labels in batches:
        total += float(loss(images, labels)) * len(images)
        images_seen += len(images)
    return total / images_seen
