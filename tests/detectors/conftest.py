"""Detectors shared by the tests of the room, since building one takes seconds."""

import zlib
from types import SimpleNamespace

import numpy as np
import pytest

from detectors import runtime

runtime.start()

import tensorflow as tf  # noqa: E402

from detectors.detector import Detector, build  # noqa: E402
from tests.detectors import original  # noqa: E402
from tests.detectors.tiny import make_tiny  # noqa: E402


@pytest.fixture(scope="session")
def expected() -> SimpleNamespace:
    """The original's numbers."""
    with np.load(original.NUMBERS) as numbers:
        return SimpleNamespace(**numbers)


@pytest.fixture(scope="session")
def detector() -> Detector:
    """The detector of 601 classes with the original's weights; a test that trains it puts them back."""
    detector = build("ssd_mobilenet_v2", original.NUM_CLASSES)
    for name, variable in detector.variables.items():
        variable.assign(original.weights(name, tuple(variable.shape)))
    return detector


@pytest.fixture(scope="session")
def images(expected) -> tf.Tensor:
    """The original's two images at its input size."""
    assert zlib.crc32(original.images().tobytes()) == expected.images_crc32
    return original.resize(original.images())


@pytest.fixture(scope="session")
def outputs(detector, images) -> dict[str, tf.Tensor]:
    return detector.model(images, training=False)


@pytest.fixture(scope="session")
def tiny() -> Detector:
    """A tiny detector that no test changes."""
    return make_tiny()


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
