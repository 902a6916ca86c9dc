"""What holds for every kind of detector."""

import re
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from datasets.errors import InputError
from detectors.detector import BUILDERS, build
from detectors.layer_style import SynchronizedBatchNormalization
from tests.detectors import original
from tests.detectors.tiny import make_tiny, make_tiny_resnet

TINY = {"ssd_mobilenet_v2": make_tiny, "ssd_resnet101_fpn": make_tiny_resnet}
TRUTH = original.ground_truth(num_classes=3)
PIXELS = tf.random.stateless_uniform([2, 64, 64, 3], [1, 2], maxval=255.0)


@pytest.fixture(scope="session", params=TINY)
def kind(request) -> str:
    return request.param


@pytest.fixture(scope="session")
def small(kind, tiny, tiny_resnet):
    return {"ssd_mobilenet_v2": tiny, "ssd_resnet101_fpn": tiny_resnet}[kind]


@pytest.fixture(scope="session")
def large(kind):
    """A detector of 90 classes."""
    return TINY[kind](90)


def test_every_kind_is_tested():
    assert BUILDERS.keys() == TINY.keys()


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'ssd_mobilenet_v2'"):
        build("ssd_mobilenet", 3)


@pytest.mark.parametrize("name, size, decay, momentum", [("detector", 300, 4e-5, 0.9997), ("resnet", 512, 4e-4, 0.997)])
def test_settings_that_are_left_out_are_the_originals(request, name, size, decay, momentum):
    model = request.getfixturevalue(name).model
    assert model.input_shape == (None, size, size, 3)
    decays = {round(2 * float(layer.kernel_regularizer.l2), 9) for layer in model.layers
              if getattr(layer, "kernel_regularizer", None)}
    momenta = {layer.momentum for layer in model.layers if isinstance(layer, tf_keras.layers.BatchNormalization)}
    assert (decays, momenta) == ({decay}, {momentum})


def test_settings_reach_every_layer(kind):
    detector = build(kind, 3, input_size=64, width=0.02, weight_decay=0.5, batch_norm_momentum=0.9, synchronized=True)
    normalisations = [layer for layer in detector.model.layers
                      if isinstance(layer, tf_keras.layers.BatchNormalization)]
    assert {(type(layer), layer.momentum) for layer in normalisations} == {(SynchronizedBatchNormalization, 0.9)}
    assert {float(layer.kernel_regularizer.l2) for layer in detector.model.layers
            if getattr(layer, "kernel_regularizer", None)} == {0.25}


@pytest.mark.parametrize("name, scopes", [
    ("tiny", {"Conv": 5, "Conv_1": 5, "expanded_conv": 10} | {f"expanded_conv_{i}": 15 for i in range(1, 17)}),
    ("tiny_resnet", {"conv1": 5, "block1": 50, "block2": 65, "block3": 350, "block4": 50}),
])
def test_the_backbone_is_what_a_classifier_has_too(request, name, scopes):
    detector = request.getfixturevalue(name)
    matched = [variable for variable in detector.variables if re.fullmatch(detector.backbone, variable)]
    assert Counter(variable.split("/")[2] for variable in matched) == scopes


@pytest.mark.parametrize("num_classes", [1, 90])
def test_only_class_heads_depend_on_the_number_of_classes(kind, small, large, num_classes):
    other = large if num_classes == 90 else TINY[kind](num_classes)
    sizes = {name: tuple(variable.shape) for name, variable in small.variables.items()}
    for name, variable in other.variables.items():
        expected = sizes[name]
        if "ClassPredictor/" in name:
            expected = (*expected[:-1], expected[-1] // 4 * (num_classes + 1))
        assert tuple(variable.shape) == expected
    assert other.model.output_shape["logits"] == (None, len(small.anchors), num_classes + 1)
    outputs = other.model(PIXELS, training=False)
    losses = other.loss(outputs, *original.ground_truth(num_classes=num_classes))
    assert all(np.isfinite(loss) and loss > 0 for loss in losses.values())


def test_class_heads_are_anchor_major(small, large):
    """A detector of 90 classes, cut to 3 of them by channels, answers as the large one does for these."""
    slots, before = [0, 7, 90, 3], small.model.get_weights()
    try:
        for name, variable in small.variables.items():
            whole = large.variables[name].numpy()
            if "ClassPredictor/" in name:
                whole = whole.reshape(*whole.shape[:-1], -1, 91)[..., slots].reshape(variable.shape)
            variable.assign(whole)
        few, many = (detector.model(PIXELS, training=False) for detector in (small, large))
    finally:
        small.model.set_weights(before)
    np.testing.assert_allclose(few["boxes"], many["boxes"], atol=1e-6)
    np.testing.assert_allclose(few["logits"], many["logits"].numpy()[..., slots], atol=1e-5)
    assert np.ptp(few["logits"]) > 0


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_answers_in_float32(kind, precision):
    tf_keras.mixed_precision.set_global_policy(precision)
    try:
        detector = TINY[kind]()
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
    outputs = detector.model(PIXELS, training=False)
    losses = detector.loss(outputs, *TRUTH)
    found = [*outputs.values(), *losses.values(), *detector.model.losses, *detector.model.weights]
    assert {tensor.dtype.name for tensor in found} == {"float32"}
    assert all(np.isfinite(tensor).all() for tensor in found)
    for layer in (layer for layer in detector.model.layers if isinstance(layer, tf_keras.layers.Conv2D)):
        single_pixel = layer.strides != (1, 1) and layer.input_shape[1:3] == (1, 1)  # see LayerStyle.convolve
        assert layer.compute_dtype == ("float32" if single_pixel else precision.removeprefix("mixed_")), layer.name


def test_the_loss_compiles_and_is_the_same(kind, small):
    outputs = small.model(PIXELS, training=False)

    def loss_and_gradients(outputs: dict[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            found = small.loss(outputs, *TRUTH)
            total = found["localization"] + found["classification"]
        return found, tape.gradient(total, outputs)

    plain, compiled = loss_and_gradients(outputs), tf.function(loss_and_gradients, jit_compile=True)(outputs)
    for ours, theirs in zip(tf.nest.flatten(plain), tf.nest.flatten(compiled)):
        np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_training_step_compiles_and_is_the_same(kind):
    detector = TINY[kind]()
    fresh = detector.model.get_weights()

    def step() -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            found = detector.loss(detector.model(PIXELS, training=True), *TRUTH)
            total = tf.add_n([*found.values(), *detector.model.losses])
        return total, tape.gradient(total, detector.model.trainable_variables)

    results = []
    for compiled in (False, True):
        detector.model.set_weights(fresh)
        total, gradients = tf.function(step, jit_compile=compiled)()
        moved = [weights.numpy() for weights in detector.model.non_trainable_weights]
        results.append((float(total), float(tf.linalg.global_norm(gradients)), moved))
    (total, norm, moved), (compiled_total, compiled_norm, compiled_moved) = results
    assert compiled_total == pytest.approx(total, rel=1e-4)
    # Pixels changed by a millionth of their value move the norm of ResNet's gradient by 2 %, and its loss by 6e-6.
    assert compiled_norm == pytest.approx(norm, rel=0.1)
    for ours, theirs in zip(moved, compiled_moved):
        np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1e-4)
