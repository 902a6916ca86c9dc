"""The training steps that are compared: ours, the bare backbone's, and the Model Garden's RetinaNet's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import msgspec
import tensorflow as tf
import tf_keras
from official.core import config_definitions as cfg
from official.core import exp_factory
from official.vision.tasks.retinanet import RetinaNetTask

from benchmarks.training.material import Material
from benchmarks.training.rounds import Step
from datasets.errors import InputError, nearest
from datasets.settings import convert, read_yaml
from study.config import CONFIGS, DetectorConfig, Recipe, Runtime
from train.experiment import DetectionConfig, configure
from train.strategy import runtime_settings
from train.task import DetectionTask

MOBILE = {  # coco_mobilenetv2_tpu.yaml among the Model Garden's experiments: its RetinaNet on MobileNetV2, COCO AP 23.5
    "anchor": {"anchor_size": 3.0, "num_scales": 3, "aspect_ratios": [0.5, 1.0, 2.0]},
    "backbone": {"type": "mobilenet", "mobilenet": {"model_id": "MobileNetV2", "filter_size_scale": 1.0}},
    "decoder": {"type": "fpn", "fpn": {"num_filters": 128, "use_separable_conv": True, "use_keras_layer": True}},
    "head": {"num_convs": 4, "num_filters": 128, "use_separable_conv": True},
    "norm_activation": {"activation": "relu6", "norm_epsilon": 0.001, "norm_momentum": 0.99, "use_sync_bn": False},
}
MIN_LEVEL, MAX_LEVEL = 3, 6  # its sides must be multiples of 2^MAX_LEVEL: 7, its default, would make 384 px of 300


STOCK = {"ssd_mobilenet_v2": tf_keras.applications.MobileNetV2, "ssd_resnet101_fpn": tf_keras.applications.ResNet101}


@dataclass(frozen=True)
class Training:
    """A task's training step, and where it gets its batches."""

    batches: tf.data.Dataset
    plain: Callable[[Any], tf.Tensor]  # one step on a batch; returns the loss
    step: Callable[[Any], tf.Tensor]  # the same as a graph, and compiled if the settings say so


@dataclass(frozen=True)
class Settings:
    """What all sides share."""

    batch: int
    runtime: Runtime


def ours(detector: DetectorConfig, recipe: Recipe, settings: Settings, material: Material) -> Training:
    """Return our detector's training, as a run of a study does it, without a checkpoint to start from."""
    params = configure(detector, recipe, classes=material.classes, shards=[str(shard) for shard in material.shards],
                       images=material.images, seed=0, start_step=0, checkpoint_every=1000,
                       runtime=runtime_settings(settings.runtime))
    return _training(DetectionTask(cast(DetectionConfig, params.task)), params, settings)


def retinanet(pixels: int, settings: Settings, material: Material) -> Training:
    """Return the training of the Model Garden's RetinaNet on images of `pixels` pixels, a multiple of 64.

    Its matching belongs to its input pipeline, so that its step is without; the network is MOBILE's. Optimiser,
    losses and weight decay are those of its mobile experiment.
    """
    params = exp_factory.get_exp_config("retinanet_mobile_coco")
    task: Any = params.task
    # XLA has no gradient of Keras's enlarging; the library's own computes the same.
    pyramid = MOBILE["decoder"]["fpn"] | {"use_keras_layer": not settings.runtime.xla}
    task.model.override(MOBILE | {
        "decoder": {"type": "fpn", "fpn": pyramid}, "num_classes": len(material.classes) + 1,
        "input_size": [pixels, pixels, 3], "min_level": MIN_LEVEL, "max_level": MAX_LEVEL})
    task.train_data.override({
        "input_path": ",".join(str(shard) for shard in material.shards), "global_batch_size": settings.batch,
        "dtype": settings.runtime.precision, "shuffle_buffer_size": 10})
    params.runtime.override(runtime_settings(settings.runtime))
    return _training(RetinaNetTask(task), params, settings)


def backbone(kind: str, settings: Settings, images: tf.Tensor) -> Step:
    """Return a step that does no more than the stock backbone's forward and backward: no loss, no optimiser."""
    stock = STOCK[kind](input_shape=images.shape[1:], include_top=False, weights=None)

    @tf.function(jit_compile=settings.runtime.xla)
    def gradients():
        with tf.GradientTape() as tape:
            total = tf.reduce_mean(tf.cast(stock(images, training=True), tf.float32))
        return total, tape.gradient(total, stock.trainable_variables)

    return lambda: gradients()[0].numpy()


def on(training: Training, batch: Any) -> Step:
    """Return a step on the one `batch`, already in memory."""
    return lambda: training.step(batch).numpy()


def from_records(training: Training) -> Step:
    """Return a step on the next batch of the input pipeline."""
    batches = iter(training.batches)
    return lambda: training.step(next(batches)).numpy()


def read_detector(kind: str) -> DetectorConfig:
    """Return the detector of that name in configs/models."""
    path = CONFIGS / "models" / f"{kind}.yaml"
    return convert(read_yaml(path), DetectorConfig, path)


def choose_recipe(detector: DetectorConfig, name: str, batch: int | None) -> Recipe:
    """Return the recipe `name` of `detector`, with another batch size if one is given. Raises InputError without it."""
    if name not in detector.recipes:
        raise InputError(f"detector '{detector.name}' has no recipe '{name}'; {nearest(name, detector.recipes)}")
    recipe = detector.recipes[name]
    return recipe if batch is None else msgspec.structs.replace(recipe, batch_size=batch)


def _training(task: Any, params: cfg.ExperimentConfig, settings: Settings) -> Training:
    model = task.build_model()
    optimizer = task.create_optimizer(params.trainer.optimizer_config, params.runtime)
    batches = task.build_inputs(params.task.train_data)

    def plain(batch):
        return task.train_step(batch, model, optimizer)[task.loss]

    step = tf.function(plain, input_signature=[batches.element_spec], jit_compile=settings.runtime.xla)
    return Training(batches, plain, step)
