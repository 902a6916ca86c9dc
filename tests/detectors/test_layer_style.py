import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from detectors.layer_style import LayerStyle, SynchronizedBatchNormalization

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict[int, dict[str, np.ndarray]]:
    """What one and two replicas find, by their number."""
    folder = tmp_path_factory.mktemp("replicas")
    runs = [subprocess.Popen([sys.executable, "-m", "tests.detectors.replicas", folder / f"{count}.npz", str(count)],
                             cwd=ROOT) for count in (1, 2)]
    assert [run.wait() for run in runs] == [0, 0]
    return {count: dict(np.load(folder / f"{count}.npz")) for count in (1, 2)}


def normalise(kind: type, features: np.ndarray, **settings) -> tuple[np.ndarray, list[np.ndarray]]:
    layer = kind(momentum=0.9, epsilon=1e-3, **settings)
    return layer(features, training=True).numpy(), [weights.numpy() for weights in layer.non_trainable_weights]


def test_two_replicas_normalise_as_one(measured):
    one, two = measured[1], measured[2]
    for name in ("normalised", "inputs", "gamma", "mean", "variance", "evaluated"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_moving_statistics_take_the_unbiased_variance_of_the_whole_batch(measured):
    values = measured[2]["features"].reshape(-1, 5)
    np.testing.assert_allclose(measured[2]["mean"], 0.1 * values.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(measured[2]["variance"], 0.9 + 0.1 * values.var(axis=0, ddof=1), rtol=1e-5)


def test_the_normaliser_counts_all_replicas_and_leaves_the_mean_of_losses_right(measured):
    assert measured[1]["normaliser"].tolist() == [6]
    assert measured[2]["normaliser"].tolist() == [3, 3]


@pytest.mark.parametrize("shape", [(4, 1, 1, 3), (2, 5, 3, 3)])
def test_one_replica_normalises_as_the_stock_layer(shape):
    features = np.random.default_rng(0).normal(2, 3, shape).astype(np.float32)
    ours, moved = normalise(SynchronizedBatchNormalization, features)
    stock, expected = normalise(tf_keras.layers.BatchNormalization, features)
    np.testing.assert_allclose(ours, stock, atol=1e-5)
    np.testing.assert_allclose(moved, expected, rtol=1e-5)


@pytest.mark.parametrize(("side", "stride", "dtype"), [(1, 2, "float32"), (1, 1, "bfloat16"), (2, 2, "bfloat16")])
def test_a_strided_kernel_on_a_single_pixel_computes_in_float32(side, stride, dtype):
    tf_keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        image = tf_keras.Input((side, side, 3))
        style = LayerStyle(tf_keras.initializers.GlorotUniform, 0.0, 0.9, 1e-3)
        model = tf_keras.Model(image, style.convolve(image, 4, 3, "conv", stride))
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
    assert model.get_layer("conv").compute_dtype == dtype
    assert model(np.ones((2, side, side, 3), np.float32)).dtype == tf.bfloat16


def test_tf_keras_itself_synchronises_with_the_biased_variance():
    """Why there is a class of our own; where this fails, it may go."""
    features = np.random.default_rng(0).normal(2, 3, (4, 1, 1, 3)).astype(np.float32)
    _, (_, variance) = normalise(tf_keras.layers.BatchNormalization, features, synchronized=True)
    np.testing.assert_allclose(variance, 0.9 + 0.1 * features.var(axis=(0, 1, 2)), rtol=1e-5)


def test_half_precision_keeps_statistics_in_float32():
    layer = SynchronizedBatchNormalization(dtype=tf_keras.mixed_precision.Policy("mixed_float16"))
    features = tf.constant(np.random.default_rng(0).normal(300, 1, (8, 4, 4, 2)), tf.float16)
    normalised = layer(features, training=True)
    assert (normalised.dtype, layer.moving_variance.dtype) == (tf.float16, tf.float32)
    assert np.std(normalised.numpy().astype(np.float32)) == pytest.approx(1, abs=0.05)


def test_every_layer_starts_from_values_of_its_own():
    style = LayerStyle(tf_keras.initializers.RandomNormal, 0.2, 0.9, 1e-3)
    features = tf_keras.layers.Input((4, 4, 3))
    outputs = style.convolve(style.convolve(features, 3, 1, "first"), 3, 1, "second")
    model = tf_keras.Model(features, outputs)
    first, second = (model.get_layer(name).kernel.numpy() for name in ("first", "second"))
    assert not np.array_equal(first, second)
    expected = 0.1 * (np.square(first).sum() + np.square(second).sum())
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)
