"""The Model Garden task: a detector of ours, its loss, and its input."""

from __future__ import annotations

import sys
from pathlib import Path

import tensorflow as tf
from official.core import base_task

from detectors.checkpoint import restore
from detectors.detector import Detector, build
from records.pipeline import training_batches
from study.config import REPOSITORY
from train.experiment import Batches, DetectionConfig


class DetectionTask(base_task.Task):
    """Trains one detector. `detector` is built at once, so that its anchors are at hand for the evaluation too."""

    def __init__(self, params: DetectionConfig, logging_dir: str | None = None):
        super().__init__(params, logging_dir)
        model = params.model
        self.detector: Detector = build(model.kind, model.num_classes, input_size=model.input_size, width=model.width,
                                        weight_decay=model.weight_decay,
                                        batch_norm_momentum=model.batch_norm_momentum)

    def build_model(self):
        """Return the tf_keras model."""
        return self.detector.model

    def initialize(self, model) -> None:
        """Load the checkpoint the configuration names; called once, before the first step of a new run."""
        if self.task_config.init_checkpoint:
            report = restore(self.detector, str(REPOSITORY / self.task_config.init_checkpoint),
                             self.task_config.model.restore)
            print(f"{self.task_config.init_checkpoint}: {report}", file=sys.stderr, flush=True)

    def build_inputs(self, params: Batches, input_context: tf.distribute.InputContext | None = None) -> tf.data.Dataset:
        """Return the training batches of this replica, from `params.start_step` on."""
        replicas = input_context.num_input_pipelines if input_context else 1
        return training_batches([Path(shard) for shard in params.shards], params.images,
                                batch_size=params.global_batch_size // replicas, seed=params.seed,
                                input_size=self.task_config.model.input_size, start_step=params.start_step,
                                augment=params.augment)

    def build_losses(self, labels, model_outputs, aux_losses=None) -> tf.Tensor:
        """Return localisation + classification + weight decay."""
        losses = self.detector.loss(model_outputs, labels["boxes"], labels["classes"])
        return tf.add_n([losses["localization"], losses["classification"], *(aux_losses or [])])

    def build_metrics(self, training: bool = True) -> list:
        """Return no metrics: mAP is computed from the detections, over every image."""
        return []
