import math

import pytest

from detectors import runtime

runtime.start()

from study.config import DetectorConfig, Recipe  # noqa: E402
from train.experiment import batch_norm_momentum_of, configure, steps_of  # noqa: E402


@pytest.mark.parametrize(("recipe", "images", "steps"), [
    (Recipe(steps=200_000), 10, 200_000),
    (Recipe(batch_size=10, epochs=3, min_steps=1), 100, 30),
    (Recipe(batch_size=10, epochs=3, min_steps=1), 101, 31),
    (Recipe(batch_size=10, epochs=3, min_steps=500), 100, 500),
    (Recipe(batch_size=10, epochs=30, min_steps=1, max_steps=200), 100, 200),
    (Recipe(batch_size=16, epochs=0.5, min_steps=1), 16, 1),
])
def test_steps_follow_the_recipe_and_the_subset(recipe, images, steps):
    assert steps_of(recipe, images) == steps


@pytest.mark.parametrize(("fixed", "steps", "momentum"), [
    (None, 400, 0.9), (None, 4000, 0.99), (None, 10, 0.8), (None, 10**7, 0.9997), (0.5, 400, 0.5),
])
def test_moving_statistics_forget_the_start_of_the_training(fixed, steps, momentum):
    assert batch_norm_momentum_of(Recipe(batch_norm_momentum=fixed), steps) == pytest.approx(momentum)


def _configure(recipe, images=100):
    return configure(DetectorConfig(name="d", width=0.5, input_size=96), recipe, num_classes=7, shards=["a", "b"],
                     images=images, seed=3, start_step=40, checkpoint_every=60, num_gpus=0)


def test_the_experiment_says_what_the_study_says():
    params = _configure(Recipe(batch_size=8, steps=120, augment=("flip",), batch_norm_momentum=0.9, weight_decay=0.001))
    assert params.task.model.as_dict() == {
        "kind": "ssd_mobilenet_v2", "num_classes": 7, "input_size": 96, "width": 0.5, "weight_decay": 0.001,
        "batch_norm_momentum": 0.9, "restore": "all"}
    data = params.task.train_data
    assert (data.shards, data.images, data.global_batch_size, data.seed, data.start_step, data.augment) == (
        ["a", "b"], 100, 8, 3, 40, ["flip"])
    assert (params.trainer.train_steps, params.trainer.checkpoint_interval) == (120, 60)


@pytest.mark.parametrize(("optimizer", "expected"), [
    ("sgd", {"momentum": 0.8}),
    ("rmsprop", {"momentum": 0.8, "rho": 0.7, "epsilon": 0.5}),
    ("adam", {"beta_1": 0.8, "epsilon": 0.5}),
])
@pytest.mark.parametrize(("clip_norm", "clip"), [(0.0, None), (10.0, 10.0)])
def test_the_optimizer_takes_the_recipes_settings(optimizer, expected, clip_norm, clip):
    recipe = Recipe(optimizer=optimizer, momentum=0.8, rho=0.7, epsilon=0.5, clip_norm=clip_norm)
    settings = _configure(recipe).trainer.optimizer_config.optimizer.as_dict()
    assert settings["type"] == optimizer
    assert {key: settings[optimizer][key] for key in expected} == expected
    assert settings[optimizer]["global_clipnorm"] == clip


def test_the_schedule_ends_with_the_subsets_last_step():
    from official.modeling.optimization import OptimizerFactory

    recipe = Recipe(batch_size=10, epochs=20, min_steps=1, warmup_steps=50, learning_rate=0.1)
    rate = OptimizerFactory(_configure(recipe).trainer.optimizer_config).build_learning_rate()
    assert float(rate(0)) == 0.0
    assert float(rate(50)) == pytest.approx(0.1 * 0.5 * (1 + math.cos(math.pi * 50 / 200)))
    assert float(rate(200)) == pytest.approx(0.0, abs=1e-6)
