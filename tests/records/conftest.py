from pathlib import Path

import pytest
import tensorflow as tf

from tests.small import write_dataset


@pytest.fixture
def root(tmp_path) -> Path:
    return write_dataset(tmp_path / "paint")


@pytest.fixture(autouse=True)
def global_seed():
    """tf.data takes no tensor as a seed while the global one is 0, which other tests may leave behind."""
    tf.random.set_seed(1)
