import math

import pytest

from detectors import runtime

runtime.start()

from official.core import exp_factory  # noqa: E402

from study.config import DetectorConfig, Recipe  # noqa: E402
from train.experiment import batch_norm_momentum_of, configure  # noqa: E402


@pytest.mark.parametrize(("fixed", "steps", "momentum"), [
    (None, 400, 0.9), (None, 4000, 0.99), (None, 10, 0.8), (None, 10**7, 0.9997), (0.5, 400, 0.5),
])
def test_moving_statistics_forget_the_start_of_the_training(fixed, steps, momentum):
    assert batch_norm_momentum_of(Recipe(batch_norm_momentum=fixed), steps) == pytest.approx(momentum)


def _configure(recipe, images=100, **settings):
    detector = DetectorConfig(name="d", width=0.5, depth=50, input_size=96)
    return configure(detector, recipe, shards=["a", "b"], images=images,
                     **{"classes": ("cat", "dog"), "seed": 3, "start_step": 40, "checkpoint_every": 60, "runtime": {},
                        **settings})


def test_the_experiment_says_what_the_study_says():
    params = _configure(Recipe(batch_size=8, steps=120, augment=("flip",), batch_norm_momentum=0.9, weight_decay=0.001),
                        leave_out=[7, 9], runtime={"num_gpus": 2, "enable_xla": True})
    assert params.task.model.as_dict() == {
        "kind": "ssd_mobilenet_v2", "classes": ["cat", "dog"], "input_size": 96, "width": 0.5, "depth": 50,
        "weight_decay": 0.001, "batch_norm_momentum": 0.9, "restore": "all"}
    data = params.task.train_data
    assert (data.shards, data.images, data.global_batch_size, data.seed, data.start_step, data.augment) == (
        ["a", "b"], 100, 8, 3, 40, ["flip"])
    assert data.leave_out == [7, 9] and data.pad_boxes and params.runtime.num_gpus == 2
    assert (params.trainer.train_steps, params.trainer.checkpoint_interval) == (120, 60)


def test_a_training_stopped_early_has_the_schedule_of_the_whole():
    recipe = Recipe(steps=1000)
    short, whole = _configure(recipe, stop_at=400), _configure(recipe)
    assert (short.trainer.train_steps, whole.trainer.train_steps) == (400, 1000)
    assert short.trainer.optimizer_config.as_dict() == whole.trainer.optimizer_config.as_dict()
    assert short.task.as_dict() == whole.task.as_dict()


@pytest.mark.parametrize(("name", "steps", "batch_size", "optimizer", "restore"), [
    ("ssd_mobilenet_v2/study2019", 200_000, 12, "tf1_rmsprop", "features"),
    ("ssd_mobilenet_v2/scaled", 2000, 12, "adam", "labels"),
    ("ssd_resnet101_fpn/study2019", 300_000, 4, "sgd", "features"),
    ("ssd_resnet101_fpn/scaled", 3000, 4, "sgd", "labels"),
    ("ssd_mobilenet_v2_small/scaled", 200, 16, "adam", "all"),
])
def test_every_recipe_is_an_experiment_of_the_model_garden(name, steps, batch_size, optimizer, restore):
    params = exp_factory.get_exp_config(name)
    assert params.task.model.kind in name or "small" in name
    assert (params.trainer.train_steps, params.task.train_data.global_batch_size) == (steps, batch_size)
    assert (params.trainer.optimizer_config.optimizer.type, params.task.model.restore) == (optimizer, restore)


@pytest.mark.parametrize(("optimizer", "expected"), [
    ("sgd", {"momentum": 0.8}),
    ("rmsprop", {"momentum": 0.8, "rho": 0.7, "epsilon": 0.5}),
    ("adam", {"beta_1": 0.8, "epsilon": 0.5}),
])
@pytest.mark.parametrize(("clip_norm", "clip"), [(0.0, None), (10.0, 10.0)])
def test_the_optimizer_takes_the_recipes_settings(optimizer, expected, clip_norm, clip):
    recipe = Recipe(optimizer=optimizer, momentum=0.8, rho=0.7, epsilon=0.5, clip_norm=clip_norm)
    settings = _configure(recipe).trainer.optimizer_config.optimizer.as_dict()
    name = {"rmsprop": "tf1_rmsprop"}.get(optimizer, optimizer)
    assert settings["type"] == name
    assert {key: settings[name][key] for key in expected} == expected
    assert settings[name]["global_clipnorm"] == clip


def test_the_schedule_ends_with_the_subsets_last_step():
    from official.modeling.optimization import OptimizerFactory

    recipe = Recipe(batch_size=10, epochs=20, min_steps=1, warmup_steps=50, learning_rate=0.1)
    rate = OptimizerFactory(_configure(recipe).trainer.optimizer_config).build_learning_rate()
    assert float(rate(0)) == 0.0
    assert float(rate(50)) == pytest.approx(0.1 * 0.5 * (1 + math.cos(math.pi * 50 / 200)))
    assert float(rate(200)) == pytest.approx(0.0, abs=1e-6)
