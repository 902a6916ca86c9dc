import re

import numpy as np
import pytest
import tf_keras

from datasets.errors import InputError
from detectors.detector import build
from tests.detectors import original


def test_pixels_enter_as_in_the_original(resnet, large_images, resnet_expected):
    pixels = resnet.model.get_layer("normalise")(large_images).numpy()
    np.testing.assert_allclose(pixels.sum(axis=(1, 2), dtype=np.float64), resnet_expected.preprocessed_sum, rtol=1e-6)


def test_box_encodings_equal_the_originals_whatever_the_number_of_classes(resnet_outputs, resnet_expected):
    boxes = resnet_outputs["boxes"].numpy()[:, resnet_expected.boxes_index]
    np.testing.assert_allclose(boxes, resnet_expected.boxes, rtol=0, atol=2e-4)


@pytest.mark.slow
def test_outputs_at_601_classes_equal_the_originals(large_images, resnet_expected):
    outputs = original.detector("ssd_resnet101_fpn", original.NUM_CLASSES).model(large_images, training=False)
    logits = outputs["logits"].numpy()
    assert logits.shape == (2, 131_040, 602)
    np.testing.assert_allclose(outputs["boxes"].numpy()[:, resnet_expected.boxes_index], resnet_expected.boxes,
                               rtol=0, atol=2e-4)
    np.testing.assert_allclose(logits[:, resnet_expected.logits_index], resnet_expected.logits, rtol=0, atol=2e-4)
    np.testing.assert_allclose(logits[:, resnet_expected.boxes_index].sum(axis=2),
                               resnet_expected.logits_sum_per_anchor, rtol=0, atol=5e-3)
    np.testing.assert_allclose(logits.sum(axis=1, dtype=np.float64) / logits.shape[1],
                               resnet_expected.logits_sum_per_slot / logits.shape[1], rtol=0, atol=1e-5)


def test_variables_have_the_originals_names(resnet, resnet_expected):
    names = {*resnet_expected.trainable_names.astype(str), *resnet_expected.moving_names.astype(str)}
    assert set(resnet.variables) == names
    assert len(resnet.variables) == len(resnet.model.variables) == 657


def test_weight_decay_is_on_the_originals_119_kernels(resnet):
    assert len(resnet.model.losses) == 119
    kernels = [variable for name, variable in resnet.variables.items() if name.endswith("/weights")]
    expected = sum(4e-4 / 2 * np.square(kernel.numpy(), dtype=np.float64).sum() for kernel in kernels)
    assert float(sum(resnet.model.losses)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("size", [64, 97, 130])
def test_there_is_an_anchor_for_every_output(size):
    detector = build("ssd_resnet101_fpn", 4, input_size=size, width=0.02)
    shapes = {name: tuple(shape) for name, shape in detector.model.output_shape.items()}
    assert shapes == {"boxes": (None, len(detector.anchors), 4), "logits": (None, len(detector.anchors), 5)}


def test_normalisations_have_the_originals_epsilons_and_momentum(tiny_resnet):
    normalisations = [layer for layer in tiny_resnet.model.layers
                      if isinstance(layer, tf_keras.layers.BatchNormalization)]
    backbone = [layer.epsilon for layer in normalisations if "/block" in layer.name or "101/conv1/" in layer.name]
    others = [layer.epsilon for layer in normalisations if "/fpn/" in layer.name or "Predict" in layer.name]
    assert (backbone, others) == ([1e-5] * 104, [1e-3] * 29)
    assert {layer.momentum for layer in normalisations} == {0.997}


def test_levels_share_kernels_but_not_normalisations(tiny_resnet):
    scope = "WeightSharedConvolutionalBoxPredictor/ClassPredictionTower/conv2d_1"
    mine = [name.removeprefix(scope) for name in tiny_resnet.variables if name.startswith(f"{scope}/")]
    assert mine.count("/weights") == 1
    assert {name.split("/")[2] for name in mine if name != "/weights"} == {f"feature_{level}" for level in range(6)}


def test_fresh_weights_have_the_originals_spread():
    variables = build("ssd_resnet101_fpn", 4, input_size=64, width=0.5).variables
    truncation = 0.8796  # standard deviation of a unit normal cut at two
    predictor = "WeightSharedConvolutionalBoxPredictor"
    for scope, stddev in (("FeatureExtractor/resnet_v1_101/block4/unit_2/bottleneck_v1/conv2/weights", 0.03),
                          ("FeatureExtractor/resnet_v1_101/fpn/smoothing_1/weights", 0.03),
                          (f"{predictor}/BoxPredictionTower/conv2d_0/weights", 0.01 / truncation)):
        assert variables[scope].numpy().std() == pytest.approx(stddev * truncation, rel=0.02)
    np.testing.assert_array_equal(variables[f"{predictor}/ClassPredictor/biases"], np.full(30, -4.6, np.float32))
    assert not variables[f"{predictor}/BoxPredictor/biases"].numpy().any()


@pytest.mark.parametrize(("depth", "variables"), [(50, 402), (152, 912)])
def test_another_depth_differs_in_the_units_of_its_backbone_alone(tiny_resnet, depth, variables):
    detector = build("ssd_resnet101_fpn", 3, input_size=64, width=0.05, depth=depth)
    shapes = {kind: {name.replace(f"resnet_v1_{layers}/", ""): tuple(variable.shape)
                     for name, variable in made.variables.items()}
              for kind, layers, made in (("other", depth, detector), ("usual", 101, tiny_resnet))}
    apart = {name for name, _ in shapes["other"].items() ^ shapes["usual"].items()}
    assert {re.match(r"FeatureExtractor/(block[23])/unit_\d+/", name)[1] for name in apart} == (
        {"block3"} if depth == 50 else {"block2", "block3"})
    assert len(detector.variables) == len(detector.model.variables) == variables
    assert sum(bool(re.fullmatch(detector.backbone, name)) for name in detector.variables) == variables - 137


def test_there_is_no_other_depth():
    with pytest.raises(InputError, match="ssd_resnet101_fpn: depth 34; take 50, 101, 152"):
        build("ssd_resnet101_fpn", 3, depth=34)


@pytest.mark.parametrize("settings", [{"input_size": 63}, {"width": 0.0}, {"num_classes": 0}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(InputError, match="at least 64 pixels"):
        build("ssd_resnet101_fpn", **{"num_classes": 3} | settings)
