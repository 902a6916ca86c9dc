"""Optimisers and learning rates as the recipes name them, in the Model Garden's terms."""

from __future__ import annotations

import dataclasses

import tensorflow as tf
import tf_keras
from official.core import config_definitions as cfg
from official.modeling import optimization
from official.modeling.optimization import ema_optimizer, lr_schedule, optimizer_factory

from study.config import Recipe

RMSPROP, COSINE = "tf1_rmsprop", "held_cosine"  # what the Model Garden calls ours


class RMSProp(tf_keras.optimizers.legacy.RMSprop):
    """RMSProp as TensorFlow 1 computes it, and with it the original detectors.

    ms = rho ms + (1 - rho) g^2; mom = momentum mom + rate g / sqrt(ms + epsilon); w = w - mom. ms starts at 1, which
    keeps the first steps small; tf_keras starts at 0 and, without momentum, adds epsilon outside the root.
    """

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        self._momentum = True  # that branch has epsilon within the root, also for a momentum of 0

    def _create_slots(self, var_list):
        for variable in var_list:
            self.add_slot(variable, "rms", initializer="ones")
        super()._create_slots(var_list)  # leaves what is there


class HeldCosine(lr_schedule.CosineDecayWithOffset):
    """A cosine that stands at its top until `offset`. The Model Garden's is symmetric about it: it would rise first."""

    def __call__(self, step):
        return super().__call__(tf.maximum(step, self._offset))


class MovingAverage(optimization.ExponentialMovingAverage):
    """The Model Garden's moving average of the weights, which can also be within loss scaling."""

    def apply_gradients(self, grads_and_vars, name=None, experimental_aggregate_gradients=True):
        """Apply the gradients, which loss scaling has added up over the replicas already, and update the average."""
        applied = self._optimizer.apply_gradients(grads_and_vars, name, experimental_aggregate_gradients)
        ema_optimizer.maybe_merge_call(self.update_average, tf.distribute.get_strategy())
        return applied


optimization.register_optimizer_cls(RMSPROP, RMSProp)
optimizer_factory.LR_CLS[COSINE] = HeldCosine  # the Model Garden offers no function for it


@dataclasses.dataclass
class OptimizerConfig(optimization.OptimizerConfig):
    """The Model Garden's optimisers and ours."""

    tf1_rmsprop: optimization.RMSPropConfig = dataclasses.field(default_factory=optimization.RMSPropConfig)


@dataclasses.dataclass
class LrConfig(optimization.LrConfig):
    """The Model Garden's schedules and ours."""

    held_cosine: optimization.CosineLrConfig = dataclasses.field(default_factory=optimization.CosineLrConfig)


@dataclasses.dataclass
class OptimizationConfig(optimization.OptimizationConfig):
    """An optimiser and its learning rate."""

    optimizer: OptimizerConfig = dataclasses.field(default_factory=OptimizerConfig)
    learning_rate: LrConfig = dataclasses.field(default_factory=LrConfig)


@dataclasses.dataclass
class TrainerConfig(cfg.TrainerConfig):
    """The Model Garden's trainer with our optimisers."""

    optimizer_config: OptimizationConfig = dataclasses.field(default_factory=OptimizationConfig)


def optimization_of(recipe: Recipe, steps: int) -> OptimizationConfig:
    """Return the recipe's optimiser and its learning rate over `steps` steps.

    cosine: rate = base / 2 (1 + cos(pi (t - start) / (steps - start))), which is the original's. Gradients are clipped
    after the replicas have added theirs up.
    """
    kind, settings = {
        "sgd": ("sgd", {"momentum": recipe.momentum}),
        "rmsprop": (RMSPROP, {"momentum": recipe.momentum, "rho": recipe.rho, "epsilon": recipe.epsilon}),
        "adam": ("adam", {"beta_1": recipe.momentum, "epsilon": recipe.epsilon}),
    }[recipe.optimizer]
    half = steps // 2  # a short training warms up, and waits for the cosine, half of its time at most
    start = min(recipe.decay_start, half)
    rate = {
        "constant": {"type": "constant", "constant": {"learning_rate": recipe.learning_rate}},
        "cosine": {"type": COSINE, COSINE: {"initial_learning_rate": recipe.learning_rate,
                                            "decay_steps": steps - start, "offset": start}},
    }[recipe.schedule]
    averaged = {"ema": {"average_decay": recipe.moving_average}} if recipe.moving_average else {}
    return OptimizationConfig({
        "optimizer": {"type": kind, kind: {"global_clipnorm": recipe.clip_norm or None} | settings},
        "learning_rate": rate,
        "warmup": {"type": "linear", "linear": {"warmup_steps": min(recipe.warmup_steps, half),
                                                "warmup_learning_rate": recipe.warmup_learning_rate}},
    } | averaged)
