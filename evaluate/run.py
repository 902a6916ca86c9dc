"""From a trained cell to its result file: detections, COCO mAP, error bars, validation loss."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import msgspec
import tensorflow as tf
import tf_keras

from datasets.annotations import Annotations
from datasets.errors import InputError
from datasets.files import read_json, remove_parts, write_json
from datasets.settings import read_yaml
from detectors.detector import Detector, build
from detectors.runtime import gpu_libraries, sentence_on
from evaluate.coco import score
from evaluate.detect import detect
from evaluate.detections import read_detections, write_detections
from evaluate.result import NO_ERROR_BAR, metric_rows
from records.manifest import DamagedRecords, first_shards, reason_of
from records.pipeline import validation_batches
from records.prepare import prepare
from study.config import DetectorConfig, Study, find_dataset, find_detector, find_recipe
from study.data import image_bytes, image_folder, read_validation, validation_split
from study.energy import meter_of
from study.identity import EVALUATION, evaluation_inputs, fingerprint
from study.layout import RunFolder, StudyFolder
from study.matrix import Cell
from study.provenance import origin, utc_now
from study.result_file import is_result_of
from study.searched import chosen_study, read_found, recipe_name, summary
from study.tracking.follow import open_tracking, parameters_of, tag, track_run_end

BATCH_SIZE = 32


def evaluate_cell(study: Study, folder: StudyFolder, cell: Cell) -> dict:
    """Judge the trained `cell` on the validation images unless that is done; return the content of result.json.

    Raises InputError if the cell is not trained yet.
    """
    run = folder.run(cell)
    if not run.training.exists():
        raise InputError(f"{cell}: not trained yet; run train/train_subset.sh first")
    training = _read_training(run)
    dataset = find_dataset(study, cell.dataset)
    truth = read_validation(dataset)
    judged = evaluation_inputs(
        study, truth, image_bytes(truth, image_folder(dataset, validation_split(dataset))), training["fingerprint"])
    identity = fingerprint(judged)
    if run.detections.exists() and is_result_of(run.result, identity):
        return read_json(run.result)
    remove_parts(run.root)
    chosen, inputs = chosen_study(study, folder, cell), read_yaml(run.params).get("inputs", {})
    with open_tracking(study, str(cell), run, parameters_of(chosen, cell, inputs), training["device"]) as tracking:
        evaluation = _evaluate(chosen, folder, cell, truth, training["checkpoint"])
        _write_events(run, evaluation["metrics"], training["steps"])
        result = {"cell": msgspec.to_builtins(cell), "recipe": recipe_name(study, cell)} | training | {
            "layout": EVALUATION, "fingerprint": identity, "train_seconds": training["seconds"],
            "train_joules": training.get("joules"), "configuration": {"training": inputs, "evaluation": judged},
        } | evaluation | ({"search": summary(read_found(run))} if cell.searched else {})
        write_json(run.result, result)
        if study.tracking:
            _draw(folder, cell, truth, image_folder(dataset, validation_split(dataset)))
        track_run_end(tracking, run, evaluation["metrics"], training["steps"])
    return result


def _evaluate(study: Study, folder: StudyFolder, cell: Cell, truth: Annotations, checkpoint: str) -> dict:
    """Return what an evaluation adds to the result: metrics, what they took, and where they come from."""
    began, meter = time.monotonic(), meter_of(len(tf.config.list_physical_devices("GPU")[:1]))
    metrics = _judge_anew(study, folder, cell, truth, checkpoint)
    return {"evaluate_seconds": round(time.monotonic() - began, 2), "evaluate_joules": meter.joules(),
            "ended": utc_now(), "evaluated_by": origin(sentence_on("evaluated"), gpu_libraries()), "metrics": metrics}


def _draw(folder: StudyFolder, cell: Cell, truth: Annotations, images: Path) -> None:
    """Draw the run's pictures for those who follow it."""
    from evaluate.pictures import draw, draw_looks, save  # matplotlib

    run = folder.run(cell)
    try:
        figures = draw(truth, read_detections(run.detections, truth), images)
    except InputError as error:
        print(f"{cell}: no pictures ({error})", file=sys.stderr, flush=True)
        return
    save(figures | draw_looks(folder, [cell]), run.pictures)


def _read_training(run: RunFolder) -> dict:
    training = read_json(run.training)
    needed = ("fingerprint", "checkpoint", "steps", "seconds", "device")
    if not isinstance(training, dict) or any(key not in training for key in needed):
        raise InputError(f"{run.training}: not of this version; delete it to train on from the last checkpoint")
    return training


def _write_events(run: RunFolder, metrics: list[dict], step: int) -> None:
    """Show the metrics in TensorBoard, in place of those of an earlier evaluation."""
    shutil.rmtree(run.events, ignore_errors=True)
    with tf.summary.create_file_writer(str(run.events)).as_default():
        for row in metrics:
            if row["value"] is not None:
                tf.summary.scalar(tag(row), row["value"], step)


def _judge_anew(study: Study, folder: StudyFolder, cell: Cell, truth: Annotations, checkpoint: str) -> list[dict]:
    """Return the metric rows; where the records turn out to be damaged, make them anew first.

    Raises DamagedRecords where that does not help.
    """
    records = folder.validation_records(cell.dataset, find_detector(study, cell.detector).stored_size)
    try:
        return _judge(study, folder, cell, truth, checkpoint)
    except tf.errors.DataLossError as error:
        print(f"{records}: damaged ({reason_of(error)}); made anew", file=sys.stderr, flush=True)
    prepare(study, folder, find_dataset(study, cell.dataset), records)
    try:
        return _judge(study, folder, cell, truth, checkpoint)
    except tf.errors.DataLossError as error:
        raise DamagedRecords(f"{records}: damaged again ({reason_of(error)}); see to its disk") from None


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
    detector = build(config.kind, num_classes, input_size=config.input_size, width=config.width, depth=config.depth,
                     weight_decay=find_recipe(study, config).weight_decay)
    try:
        state = tf.train.Checkpoint(model=detector.model).read(str(run.checkpoints / checkpoint))
        state.expect_partial().assert_existing_objects_matched()
    except (tf.errors.OpError, AssertionError, ValueError):
        raise InputError(f"{run.checkpoints / checkpoint}: the checkpoint is missing or damaged; train the run "
                         "again: it goes on from what is whole") from None
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
