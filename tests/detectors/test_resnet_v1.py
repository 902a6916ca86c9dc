import numpy as np
import pytest
import tf_keras
from tf_keras import layers

from detectors.layer_style import LayerStyle
from detectors.resnet_v1 import UNITS, resnet

CLASSIFIER = 2048 * 1000 + 1000  # weights of ImageNet's


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "published"), [(50, 25_557_032), (101, 44_549_160), (152, 60_192_808)])
def test_the_number_of_weights_is_the_published_one(depth, published):
    """Those of torchvision's resnet50, resnet101 and resnet152, which are the network of the paper's table 1."""
    images = layers.Input((32, 32, 3))
    maps = resnet(images, depth, 1.0, LayerStyle(tf_keras.initializers.Zeros, 0.0, 0.9, 1e-5))
    weights = tf_keras.Model(images, maps).trainable_weights
    assert sum(int(np.prod(weight.shape)) for weight in weights) == published - CLASSIFIER
    assert [features.shape[-1] for features in maps] == [256, 512, 1024, 2048]


@pytest.mark.parametrize("depth", UNITS)
def test_the_depth_counts_the_layers(depth):
    """Three convolutions a unit, the first one of all, and the classifier's layer."""
    assert depth == 3 * sum(UNITS[depth]) + 2
