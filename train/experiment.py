"""One cell of a study as a Model Garden experiment."""

from __future__ import annotations

import dataclasses
import math

from official.core import config_definitions as cfg
from official.core import exp_factory
from official.modeling import hyperparams, optimization

from study.config import DetectorConfig, Recipe

EXPERIMENT = "ssd_fine_tuning"
STEPS_PER_LOOP = 20  # between two looks at the loss


@dataclasses.dataclass
class Architecture(hyperparams.Config):
    """Which network is built."""

    kind: str = "ssd_mobilenet_v2"
    num_classes: int = 0
    input_size: int = 300
    width: float = 1.0
    weight_decay: float = 4e-5
    batch_norm_momentum: float = 0.99
    restore: str = "all"


@dataclasses.dataclass
class Batches(cfg.DataConfig):
    """Which records are read, and how."""

    shards: list[str] = dataclasses.field(default_factory=list)
    images: int = 0
    start_step: int = 0
    augment: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class DetectionConfig(cfg.TaskConfig):
    """The task: an architecture on its records."""

    model: Architecture = dataclasses.field(default_factory=Architecture)
    train_data: Batches = dataclasses.field(default_factory=Batches)


@exp_factory.register_config_factory(EXPERIMENT)
def experiment() -> cfg.ExperimentConfig:
    """Return the experiment that every run starts from."""
    return cfg.ExperimentConfig(task=DetectionConfig(), trainer=cfg.TrainerConfig())


def steps_of(recipe: Recipe, images: int) -> int:
    """Return the number of training steps on a subset of `images` images."""
    if recipe.steps is not None:
        return recipe.steps
    steps = max(recipe.min_steps, math.ceil(recipe.epochs * images / recipe.batch_size))
    return steps if recipe.max_steps is None else min(steps, recipe.max_steps)


def batch_norm_momentum_of(recipe: Recipe, steps: int) -> float:
    """Return the momentum of batch normalisation's moving statistics for a training of `steps` steps.

    Unless the recipe fixes it, they average over a fortieth of the training: what came before its last tenth, when
    the weights still moved, counts for e^-4. A constant made for long trainings leaves short ones with the statistics
    of their first steps, and a detector that is good in training and blind in evaluation.
    """
    if recipe.batch_norm_momentum is not None:
        return recipe.batch_norm_momentum
    return min(max(1 - 40 / steps, 0.8), 0.9997)


def configure(detector: DetectorConfig, recipe: Recipe, *, num_classes: int, shards: list[str], images: int, seed: int,
              start_step: int, checkpoint_every: int, num_gpus: int) -> cfg.ExperimentConfig:
    """Translate a detector and its recipe into an experiment on the subset in `shards`."""
    params = exp_factory.get_exp_config(EXPERIMENT)
    params.task.init_checkpoint = detector.checkpoint
    params.task.model.override({
        "kind": detector.kind, "num_classes": num_classes, "input_size": detector.input_size,
        "width": detector.width, "weight_decay": recipe.weight_decay,
        "batch_norm_momentum": batch_norm_momentum_of(recipe, steps_of(recipe, images)), "restore": recipe.restore,
    })
    params.task.train_data.override({
        "shards": shards, "images": images, "global_batch_size": recipe.batch_size, "seed": seed,
        "start_step": start_step, "augment": list(recipe.augment), "is_training": True,
    })
    params.runtime.override({"num_gpus": num_gpus})
    params.trainer.override({
        "train_steps": steps_of(recipe, images), "steps_per_loop": STEPS_PER_LOOP, "summary_interval": STEPS_PER_LOOP,
        "checkpoint_interval": checkpoint_every, "max_to_keep": 2, "recovery_max_trials": 0,
        "optimizer_config": _optimizer(recipe, steps_of(recipe, images)),
    })
    params.lock()
    return params


def _optimizer(recipe: Recipe, steps: int) -> optimization.OptimizationConfig:
    clip = recipe.clip_norm or None
    settings = {
        "sgd": {"momentum": recipe.momentum},
        "rmsprop": {"momentum": recipe.momentum, "rho": recipe.rho, "epsilon": recipe.epsilon},
        "adam": {"beta_1": recipe.momentum, "epsilon": recipe.epsilon},
    }[recipe.optimizer]
    rate = {
        "constant": {"type": "constant", "constant": {"learning_rate": recipe.learning_rate}},
        "cosine": {"type": "cosine", "cosine": {"initial_learning_rate": recipe.learning_rate, "decay_steps": steps}},
    }[recipe.schedule]
    return optimization.OptimizationConfig({
        "optimizer": {"type": recipe.optimizer, recipe.optimizer: {"global_clipnorm": clip} | settings},
        "learning_rate": rate,
        "warmup": {"type": "linear",
                   "linear": {"warmup_steps": min(recipe.warmup_steps, steps // 2), "warmup_learning_rate": 0.0}},
    })
