"""The Model Garden task: a detector of ours, its loss, and its input."""

from __future__ import annotations

import sys
from pathlib import Path

import tensorflow as tf
import tf_keras
from official.core import base_task
from official.modeling.performance import configure_optimizer

from detectors.checkpoints.checkpoint import RestoreReport, restore
from detectors.detector import Detector, build
from records.pipeline import Part, training_batches
from study.checkpoints import checkpoint_prefix
from train.experiment import Batches, DetectionConfig
from train.optimizer import MovingAverage
from train.progress import GoodSteps


class DetectionTask(base_task.Task):
    """Trains one detector. `detector` is built at once, so that its anchors are at hand for the evaluation too.

    Make it in the scope of the training's strategy. `average` is the optimiser that holds the moving average of the
    weights, and `restored` says what a checkpoint gave; None where there is no such thing.
    """

    def __init__(self, params: DetectionConfig, logging_dir: str | None = None):
        super().__init__(params, logging_dir)
        model = params.model
        self.average: MovingAverage | None = None
        self.restored: RestoreReport | None = None
        self.detector: Detector = build(
            model.kind, len(model.classes), input_size=model.input_size, width=model.width, depth=model.depth,
            weight_decay=model.weight_decay, batch_norm_momentum=model.batch_norm_momentum,
            synchronized=tf.distribute.get_strategy().num_replicas_in_sync > 1)

    def build_model(self):
        """Return the tf_keras model."""
        return self.detector.model

    def create_optimizer(self, optimizer_config, runtime_config=None, dp_config=None):
        """Return the optimiser: the recipe's, within a moving average, within loss scaling, as far as asked for.

        The moving average gets its variables here: the trainer does not find it within loss scaling.
        """
        optimizer = super().create_optimizer(optimizer_config.replace(ema=None), None, dp_config)
        if optimizer_config.ema:
            self.average = optimizer = MovingAverage(optimizer, **optimizer_config.ema.as_dict())
            optimizer.shadow_copy(self.detector.model)
        if runtime_config is None:
            return optimizer
        return configure_optimizer(optimizer, use_float16=runtime_config.mixed_precision_dtype == "float16",
                                   loss_scale=runtime_config.loss_scale)

    def initialize(self, model) -> None:
        """Load the checkpoint the configuration names; called once, before the first step of a new run."""
        config = self.task_config.model
        if self.task_config.init_checkpoint:
            self.restored = restore(self.detector, checkpoint_prefix(self.task_config.init_checkpoint), config.restore,
                                    config.classes)
            print(f"{self.task_config.init_checkpoint}: {self.restored}", file=sys.stderr, flush=True)
        if self.average is not None:
            for weights in model.trainable_variables:
                self.average.get_slot(weights, "average").assign(weights)

    def build_inputs(self, params: Batches, input_context: tf.distribute.InputContext | None = None) -> tf.data.Dataset:
        """Return the training batches of each replica of this worker, from `params.start_step` on."""
        context = input_context or tf.distribute.InputContext()
        part = Part(context.input_pipeline_id, context.num_input_pipelines,
                    context.num_replicas_in_sync // context.num_input_pipelines)
        return training_batches([Path(shard) for shard in params.shards], params.images,
                                batch_size=params.global_batch_size, seed=params.seed,
                                input_size=self.task_config.model.input_size, start_step=params.start_step,
                                augment=params.augment, leave_out=params.leave_out, part=part,
                                pad_boxes=params.pad_boxes)

    def build_losses(self, labels, model_outputs, aux_losses=None) -> tf.Tensor:
        """Return localisation + classification + weight decay."""
        losses = self.detector.loss(model_outputs, labels["boxes"], labels["classes"])
        return tf.add_n([losses["localization"], losses["classification"], *(aux_losses or [])])

    def build_metrics(self, training: bool = True) -> list[tf_keras.metrics.Metric]:
        """Return what tells the step at which a loss diverges; mAP comes from the detections, over every image."""
        return [GoodSteps()] if training else []

    def train_step(self, inputs, model, optimizer, metrics=None) -> dict[str, tf.Tensor]:
        """Take one step and return its loss, which the metrics see too."""
        logs = super().train_step(inputs, model, optimizer)
        for metric in metrics or []:
            metric.update_state(logs[self.loss])
        return logs
