import numpy as np
import pytest

from predict.observations import Observations
from tests.predict.laws import law, observe


@pytest.fixture
def rising() -> Observations:
    images = np.array([300.0, 600.0, 1000.0])
    return observe(images, law(images))
