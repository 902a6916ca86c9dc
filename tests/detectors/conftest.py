"""Detectors shared by the tests of the room, since building one takes seconds."""

import zlib
from types import SimpleNamespace

import numpy as np
import pytest

from detectors import runtime

runtime.start()

import tensorflow as tf  # noqa: E402

from detectors.detector import Detector  # noqa: E402
from tests.detectors import original  # noqa: E402
from tests.detectors.tiny import make_tiny, make_tiny_resnet  # noqa: E402


@pytest.fixture(scope="session")
def expected() -> SimpleNamespace:
    """The original's numbers for SSD-MobileNetV2."""
    return original.numbers("ssd_mobilenet_v2")


@pytest.fixture(scope="session")
def detector() -> Detector:
    """SSD-MobileNetV2 for 601 classes with the original's weights; a test that trains it puts them back."""
    return original.detector("ssd_mobilenet_v2", original.NUM_CLASSES)


@pytest.fixture(scope="session")
def raw_images(expected) -> np.ndarray:
    """The original's two images."""
    raw = original.images()
    assert zlib.crc32(raw.tobytes()) == expected.images_crc32
    return raw


@pytest.fixture(scope="session")
def images(raw_images) -> tf.Tensor:
    """The original's two images at the input size of SSD-MobileNetV2."""
    return original.resize(raw_images)


@pytest.fixture(scope="session")
def outputs(detector, images) -> dict[str, tf.Tensor]:
    return detector.model(images, training=False)


@pytest.fixture(scope="session")
def resnet_expected() -> SimpleNamespace:
    """The original's numbers for SSD-ResNet101-FPN."""
    return original.numbers("ssd_resnet101_fpn")


@pytest.fixture(scope="session")
def resnet() -> Detector:
    """SSD-ResNet101-FPN for 20 classes with the original's weights; a test that trains it puts them back."""
    return original.detector("ssd_resnet101_fpn", original.FEW_CLASSES)


@pytest.fixture(scope="session")
def large_images(raw_images) -> tf.Tensor:
    """The original's two images at the input size of SSD-ResNet101-FPN."""
    return original.resize(raw_images, 512)


@pytest.fixture(scope="session")
def resnet_outputs(resnet, large_images) -> dict[str, tf.Tensor]:
    return resnet.model(large_images, training=False)


@pytest.fixture(scope="session")
def tiny() -> Detector:
    """A tiny detector that no test changes."""
    return make_tiny()


@pytest.fixture(scope="session")
def tiny_resnet() -> Detector:
    """A tiny SSD-ResNet101-FPN that no test changes."""
    return make_tiny_resnet()


@pytest.fixture(scope="session")
def _second() -> tuple[Detector, list[np.ndarray]]:
    detector = make_tiny()
    return detector, detector.model.get_weights()


@pytest.fixture
def other(_second) -> Detector:
    """A tiny detector with other fresh weights, to restore into or train."""
    detector, fresh = _second
    detector.model.set_weights(fresh)
    return detector
