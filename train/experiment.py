"""One cell of a study as a Model Garden experiment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial

from official.core import config_definitions as cfg
from official.core import exp_factory
from official.modeling import hyperparams

from datasets.settings import convert, read_yaml
from study.config import CONFIGS, DetectorConfig, Recipe
from study.rates import steps_of
from train.optimizer import TrainerConfig, optimization_of

EXPERIMENT = "ssd_fine_tuning"
STEPS_PER_LOOP = 20  # between two looks at the loss


@dataclasses.dataclass
class Architecture(hyperparams.Config):
    """Which network is built."""

    kind: str = "ssd_mobilenet_v2"
    classes: list[str] = dataclasses.field(default_factory=list)
    input_size: int = 300
    width: float = 1.0
    depth: int = 101
    weight_decay: float = 4e-5
    batch_norm_momentum: float = 0.9997
    restore: str = "all"


@dataclasses.dataclass
class Batches(cfg.DataConfig):
    """Which records are read, and how."""

    shards: list[str] = dataclasses.field(default_factory=list)
    images: int = 0
    start_step: int = 0
    augment: list[str] = dataclasses.field(default_factory=list)
    leave_out: list[int] = dataclasses.field(default_factory=list)  # ids of images
    pad_boxes: bool = False


@dataclasses.dataclass
class DetectionConfig(cfg.TaskConfig):
    """The task: an architecture on its records."""

    model: Architecture = dataclasses.field(default_factory=Architecture)
    train_data: Batches = dataclasses.field(default_factory=Batches)


@exp_factory.register_config_factory(EXPERIMENT)
def experiment() -> cfg.ExperimentConfig:
    """Return the experiment that every run starts from."""
    return cfg.ExperimentConfig(task=DetectionConfig(), trainer=TrainerConfig())


def batch_norm_momentum_of(recipe: Recipe, steps: int) -> float:
    """Return the momentum of batch normalisation's moving statistics for a training of `steps` steps.

    Unless the recipe fixes it, they average over a fortieth of the training: what came before its last tenth, when
    the weights still moved, counts for e^-4. A constant made for long trainings leaves short ones with the statistics
    of their first steps, and a detector that is good in training and blind in evaluation.
    """
    if recipe.batch_norm_momentum is not None:
        return recipe.batch_norm_momentum
    return min(max(1 - 40 / steps, 0.8), 0.9997)


def configure(detector: DetectorConfig, recipe: Recipe, *, classes: Sequence[str], shards: Sequence[str], images: int,
              seed: int, start_step: int, checkpoint_every: int, runtime: Mapping[str, object],
              leave_out: Sequence[int] = (), stop_at: int | None = None) -> cfg.ExperimentConfig:
    """Translate a detector and its recipe into an experiment on the subset in `shards`, less the ids in `leave_out`.

    `runtime` are settings of the Model Garden's RuntimeConfig. With `stop_at` the training ends at that step; learning
    rate and batch normalisation are those of the whole recipe.
    """
    params = experiment()
    steps = steps_of(recipe, images)
    params.task.init_checkpoint = detector.checkpoint
    params.task.model.override({
        "kind": detector.kind, "classes": list(classes), "input_size": detector.input_size,
        "width": detector.width, "depth": detector.depth, "weight_decay": recipe.weight_decay,
        "batch_norm_momentum": batch_norm_momentum_of(recipe, steps), "restore": recipe.restore,
    })
    params.runtime.override(dict(runtime))
    params.task.train_data.override({
        "shards": list(shards), "images": images, "global_batch_size": recipe.batch_size, "seed": seed,
        "start_step": start_step, "augment": list(recipe.augment), "leave_out": list(leave_out), "is_training": True,
        "pad_boxes": params.runtime.enable_xla,
    })
    params.trainer.override({
        "train_steps": stop_at or steps, "steps_per_loop": STEPS_PER_LOOP, "summary_interval": STEPS_PER_LOOP,
        "checkpoint_interval": checkpoint_every, "max_to_keep": 2,
        "recovery_max_trials": -1,  # a loss that is not finite is ours to report
        "optimizer_config": optimization_of(recipe, steps),
    })
    params.lock()
    return params


def register_recipes() -> None:
    """Register every recipe of configs/models as an experiment, such as ``ssd_mobilenet_v2/study2019``.

    It has neither records nor classes: `configure` makes one of a cell. Steps that follow from the subset are those of
    the smallest.
    """
    for path in sorted((CONFIGS / "models").glob("*.yaml")):
        detector = convert(read_yaml(path), DetectorConfig, path)
        for name, recipe in detector.recipes.items():
            make = partial(configure, detector, recipe, classes=(), shards=(), images=0, seed=0, start_step=0,
                           checkpoint_every=200, runtime={})
            exp_factory.register_config_factory(f"{detector.name}/{name}")(make)


register_recipes()
