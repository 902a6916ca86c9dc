import math
from pathlib import Path

import numpy as np
import pytest

from detectors import runtime

runtime.start()

import tensorflow as tf  # noqa: E402
from official.modeling.optimization import OptimizerFactory  # noqa: E402

from study.config import Recipe  # noqa: E402
from train.optimizer import RMSProp, optimization_of  # noqa: E402

FIRST_STEP = Path(__file__).parent / "data/first_step_ssd_mobilenet_v2.npz"


def build(recipe: Recipe, steps: int = 1000):
    factory = OptimizerFactory(optimization_of(recipe, steps))
    return factory.build_optimizer(factory.build_learning_rate())


def rate_of(recipe: Recipe, steps: int):
    return OptimizerFactory(optimization_of(recipe, steps)).build_learning_rate()


@pytest.mark.parametrize(("momentum", "rho", "epsilon", "clip_norm"), [
    (0.9, 0.9, 1.0, 10.0), (0.9, 0.9, 1.0, 0.0), (0.0, 0.9, 1.0, 0.0), (0.5, 0.99, 1e-3, 0.5),
])
def test_rmsprop_is_that_of_tensorflow_1(momentum, rho, epsilon, clip_norm):
    recipe = Recipe(optimizer="rmsprop", learning_rate=0.3, schedule="constant", warmup_steps=0, momentum=momentum,
                    rho=rho, epsilon=epsilon, clip_norm=clip_norm)
    optimizer, rng = build(recipe), np.random.default_rng(1)
    weights = [rng.normal(size=shape) for shape in ((4, 3), (5,))]
    variables = [tf.Variable(w, dtype=tf.float32) for w in weights]
    squares, moments = [np.ones_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    for _ in range(5):
        gradients = [10 * rng.normal(size=w.shape) for w in weights]
        optimizer.apply_gradients(zip([tf.constant(g, tf.float32) for g in gradients], variables))
        norm = math.sqrt(sum((g**2).sum() for g in gradients))
        for i, gradient in enumerate(gradients):
            clipped = gradient * min(1.0, clip_norm / norm) if clip_norm else gradient
            squares[i] = rho * squares[i] + (1 - rho) * clipped**2
            moments[i] = momentum * moments[i] + 0.3 * clipped / np.sqrt(squares[i] + epsilon)
            weights[i] = weights[i] - moments[i]
    for variable, expected in zip(variables, weights):
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_the_first_step_is_as_long_as_the_originals():
    """Norms of gradients and updates of all 204 variables, measured on the original's graph under TensorFlow 1.15.

    Its updates are differences in float32, and many are near its rounding: so the median counts. With an accumulator
    that starts at 0 it would be off by 38 %.
    """
    original = np.load(FIRST_STEP)
    recipe = Recipe(optimizer="rmsprop", learning_rate=0.0008, schedule="constant", warmup_steps=0, epsilon=1.0)
    variables = [tf.Variable(tf.zeros([1000])) for _ in original["grad_norm"]]
    spread = [tf.fill([1000], norm / math.sqrt(1000)) for norm in original["grad_norm"]]
    build(recipe).apply_gradients(zip(spread, variables))
    updates = [np.linalg.norm(variable.numpy()) for variable in variables]
    assert len(updates) == 204
    assert np.median(np.abs(updates / original["update_norm"] - 1)) < 1e-3


def test_its_slots_are_kept_in_checkpoints(tmp_path):
    recipe = Recipe(optimizer="rmsprop", schedule="constant", warmup_steps=0)
    variable, optimizer = tf.Variable([1.0, 2.0]), build(recipe)
    optimizer.apply_gradients([(tf.constant([3.0, 4.0]), variable)])
    path = tf.train.Checkpoint(variable=variable, optimizer=optimizer).write(str(tmp_path / "ckpt"))
    again, other = tf.Variable([0.0, 0.0]), build(recipe)
    tf.train.Checkpoint(variable=again, optimizer=other).read(path)
    for variables, rule in (((variable,), optimizer), ((again,), other)):
        rule.apply_gradients([(tf.constant([1.0, -1.0]), variables[0])])
    assert isinstance(other, RMSProp)
    np.testing.assert_array_equal(variable.numpy(), again.numpy())


PUBLISHED = Recipe(learning_rate=0.04, warmup_learning_rate=0.013333, warmup_steps=2000, decay_start=2000)


@pytest.mark.parametrize("step", [0, 1, 1000, 1999, 2000, 2001, 50_000, 201_000, 399_000, 400_000])
def test_the_resnets_rate_is_the_published_one(step):
    if step < 2000:
        expected = 0.013333 + (0.04 - 0.013333) * step / 2000
    else:
        expected = 0.5 * 0.04 * (1 + math.cos(math.pi * (step - 2000) / (400_000 - 2000)))
    for counter in (step, tf.constant(step, tf.int64)):
        assert float(rate_of(PUBLISHED, 400_000)(counter)) == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_the_rate_stands_still_between_warm_up_and_decay():
    rate = rate_of(Recipe(learning_rate=0.1, warmup_steps=10, decay_start=60), 200)
    assert [float(rate(step)) for step in (5, 10, 40, 60)] == pytest.approx([0.05, 0.1, 0.1, 0.1])
    assert float(rate(130)) == pytest.approx(0.05) and float(rate(200)) == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize(("steps", "peak"), [(100, 50), (1, 0)])
def test_a_short_training_warms_up_for_half_of_it_at_most(steps, peak):
    rate = rate_of(PUBLISHED, steps)
    assert float(rate(peak)) == pytest.approx(0.04) and float(rate(steps)) == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("moving_average", [0.0, 0.99])
def test_a_moving_average_is_taken_where_the_recipe_asks_for_one(moving_average):
    ema = optimization_of(Recipe(moving_average=moving_average), 100).ema
    assert (ema.average_decay if ema else 0.0) == moving_average
