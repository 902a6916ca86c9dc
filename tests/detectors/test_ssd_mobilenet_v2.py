import numpy as np
import pytest
import tf_keras

from datasets.errors import InputError
from detectors.detector import build
from tests.detectors.tiny import make_tiny


def test_pixels_enter_as_in_the_original(detector, images, expected):
    pixels = detector.model.get_layer("normalise")(images).numpy()
    np.testing.assert_allclose(pixels.sum(axis=(1, 2), dtype=np.float64), expected.preprocessed_sum, rtol=1e-6)


def test_box_encodings_equal_the_originals(outputs, expected):
    np.testing.assert_allclose(outputs["boxes"], expected.boxes, rtol=0, atol=1e-4)


def test_logits_equal_the_originals(outputs, expected):
    logits = outputs["logits"].numpy()
    np.testing.assert_allclose(logits[:, expected.logits_anchor], expected.logits, rtol=0, atol=1e-4)
    np.testing.assert_allclose(logits.sum(axis=2), expected.logits_sum_per_anchor, rtol=0, atol=5e-3)
    np.testing.assert_allclose(logits.sum(axis=1, dtype=np.float64), expected.logits_sum_per_slot, rtol=0, atol=5e-3)


def test_variables_have_the_originals_names(detector, expected):
    names = {*expected.trainable_names.astype(str), *expected.moving_names.astype(str)}
    assert set(detector.variables) == names
    assert len(detector.variables) == len(detector.model.variables) == 324


def test_weight_decay_is_on_the_originals_55_kernels(detector):
    assert len(detector.model.losses) == 55
    kernels = [variable for name, variable in detector.variables.items() if name.endswith("/weights")]
    expected = sum(4e-5 / 2 * np.square(kernel.numpy(), dtype=np.float64).sum() for kernel in kernels)
    assert float(sum(detector.model.losses)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("size", [32, 65, 128])
def test_there_is_an_anchor_for_every_output(size):
    detector = build("ssd_mobilenet_v2", 4, input_size=size, width=0.1)
    shapes = {name: tuple(shape) for name, shape in detector.model.output_shape.items()}
    assert shapes == {"boxes": (None, len(detector.anchors), 4), "logits": (None, len(detector.anchors), 5)}


def test_extra_layers_scale_with_width_but_keep_16_channels(tiny):
    scopes = "FeatureExtractor/MobilenetV2/layer_19_{}_Conv2d_{}_{}/weights"
    half, tenth = build("ssd_mobilenet_v2", 4, input_size=64, width=0.5).variables, tiny.variables
    assert half[scopes.format(2, 3, "3x3_s2_128")].shape == (3, 3, 64, 128)
    assert tenth[scopes.format(1, 5, "1x1_16")].shape == (1, 1, 25, 16)


def test_momentum_reaches_every_batch_normalisation():
    detector = build("ssd_mobilenet_v2", 4, input_size=64, width=0.1, batch_norm_momentum=0.9)
    layers = [layer for layer in detector.model.layers if isinstance(layer, tf_keras.layers.BatchNormalization)]
    assert [layer.momentum for layer in layers] == [0.9] * 60
    assert {layer.epsilon for layer in layers} == {1e-3}


def test_a_seed_fixes_the_fresh_weights(tiny):
    def fresh(seed: int) -> list[np.ndarray]:
        tf_keras.utils.set_random_seed(seed)
        return make_tiny().model.get_weights()

    first, again = fresh(1), fresh(1)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, tiny.model.get_weights(), strict=True))


def test_fresh_weights_have_the_originals_spread():
    variables = build("ssd_mobilenet_v2", 4, input_size=64).variables
    truncation = 0.8796  # standard deviation of a unit normal cut at two
    for scope, stddev in (("FeatureExtractor/MobilenetV2/Conv_1/weights", 0.09),
                          ("BoxPredictor_1/ClassPredictor/weights", 0.03)):
        assert variables[scope].numpy().std() == pytest.approx(stddev * truncation, rel=0.02)
    assert not variables["BoxPredictor_1/ClassPredictor/biases"].numpy().any()


@pytest.mark.parametrize("settings", [{"input_size": 31}, {"width": 0.0}, {"num_classes": 0}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(InputError, match="at least 32 pixels"):
        build("ssd_mobilenet_v2", **{"num_classes": 3} | settings)
