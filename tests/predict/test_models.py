import numpy as np
import pytest

from predict.models import MODELS, hill, logarithm, m4, power_law

MIDDLE = {name: [(low + high) / 2 for low, high in zip(m.lower, m.upper)] for name, m in MODELS.items()}


def test_formulas_at_the_largest_fitted_size():
    assert power_law(1.0, 0.6, 0.4, 0.5) == pytest.approx(0.4)
    assert hill(1.0, 0.8, 0.5, 1.0) == pytest.approx(0.4)
    assert m4(1.0, 0.8, 0.5, 2.0, 0.5) == pytest.approx(0.4)
    assert logarithm(1.0, 0.4, 0.1) == pytest.approx(0.4)


def test_m4_solves_its_equation():
    x = np.array([0.01, 0.3, 1.0, 50.0])
    top, reached, delay, exponent = 0.7, 0.6, 1.5, 0.8
    m = m4(x, top, reached, delay, exponent)
    at_one = top * reached
    assert (top - m) / m**delay == pytest.approx((top - at_one) / at_one**delay * x**-exponent, rel=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_models_rise_and_stay_finite(name):
    values = MODELS[name].formula(np.geomspace(1e-4, 1e4, 200), *MIDDLE[name])
    assert np.isfinite(values).all()
    assert (np.diff(values) >= 0).all()
