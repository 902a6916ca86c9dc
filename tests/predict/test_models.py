import itertools
import math

import numpy as np
import pytest

from predict import models
from predict.models import ALIASES, MODELS

X = np.geomspace(1e-6, 1e6, 120)


@pytest.mark.parametrize("formula, x, parameters, expected", [
    ("logarithm", math.e, (0.4, 0.05), 0.45),
    ("m1", 4, (0.6, 0.5), 1 - 0.6 / 2),
    ("m2", 4, (0.6, 0.4, 0.5), 1 - 0.6 * (0.4 + 0.6 / 2)),
    ("hoiem", 4, (0.6, 0.4), 1 - 0.6 * (0.4 + 0.6 / 2)),
    ("m3", 1 / 3, (0.3, 1, 1), 1 - 0.3 * (3 + 1) / (1 + 1)),
    ("m4", 4, (0.8, 0.5, 1, 0.5), 0.8 / (1 + 1 / 2)),  # (top - m) / m = x^-1/2
    ("m4", 4, (0.8, 0.5, 2, 1), 0.8 * (math.sqrt(3) - 1)),  # (1 - p) / p^2 = 2 / 4
    ("bnsl", 4, (0.6, 0.4, 0.5, 0.5, -1, 0.3), 1 - 0.6 * (0.4 + 0.6 / 2)),  # no break: M2
    ("bnsl", 3, (0.6, 0, 0, 1, 0, 1), 1 - 0.6 * 2 / (1 + 3)),
    ("pow4", 3, (0.6, 0.4, 1, 1), 1 - 0.6 * (0.4 + 0.6 / 2)),  # (3 + 1) / (1 + 1)
    ("hill", 3, (0.8, 0.5, 1), 0.8 * 3 / (1 + 3)),
    ("mmf", 3, (0.8, 0.5, 0.5, 1), 0.4 + 0.4 * 3 / (1 + 3)),
    ("weibull", 2, (0.8, 0.5, math.log(2), 1), 0.8 - 0.4 / 4),
    ("arctan", 1, (0.8, 1, 0), 0.8 - 0.5),
    ("algebraic_root", 3, (0.1, 0.5, 0, 1), 0.1 + 0.5 * 3 / (1 + 3)),
    ("algebraic_root", 2, (0.1, 0.5, math.log(2), 2), 0.1 + 0.5 * 4 / math.sqrt(1 + 16)),
])
def test_formulas_at_points_worked_out_by_hand(formula, x, parameters, expected):
    assert getattr(models, formula)(np.float64(x), *parameters) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("delay", [0.01, 0.5, 1.5, 4])
def test_m4_solves_its_equation(delay):
    top, reached, exponent = 0.7, 0.6, 0.8
    m = models.m4(np.array([0.01, 0.3, 1, 50]), top, reached, delay, exponent)
    at_one = top * reached
    expected = (top - at_one) / at_one**delay * np.array([0.01, 0.3, 1, 50]) ** -exponent
    assert (top - m) / m**delay == pytest.approx(expected, rel=1e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", MODELS)
def test_curves_rise_and_stay_finite_everywhere_in_the_box(name):
    model = MODELS[name]
    corners = list(itertools.product(*zip(model.lower, model.upper)))
    inside = np.random.default_rng(0).uniform(model.lower, model.upper, (300, len(model.lower)))
    values = model.formula(X, *np.concatenate([corners, inside]).T[:, :, None])
    assert np.isfinite(values).all()
    assert np.diff(np.clip(values, 0, 1)).min() >= -1e-12


@pytest.mark.parametrize("name", MODELS)
def test_the_search_begins_inside_the_box(name):
    model = MODELS[name]
    assert len(model.lower) == len(model.upper) == len(model.start)
    assert all(low < start < high for low, start, high in zip(model.lower, model.start, model.upper))


def test_other_names_of_the_same_curves_are_no_models_of_their_own():
    assert set(ALIASES.values()) <= MODELS.keys() and not ALIASES.keys() & MODELS.keys()


@pytest.mark.parametrize("theirs, ours", [
    (lambda n: 0.7 - 3 * n**-0.4, ("m2", 1 - 0.7 + 3 * 1000**-0.4, 0.3 / (0.3 + 3 * 1000**-0.4), 0.4)),  # pow3
    (lambda n: 0.7 / (1 + (n / math.exp(5)) ** -0.8), ("hill", 0.7, 1 / (1 + (1000 / math.exp(5)) ** -0.8), 0.8)),
    (lambda n: 0.7 - 0.5 * np.exp(-((n / 400) ** 0.8)), ("weibull", 0.7, 0.2 / 0.7, 2.5**0.8, 0.8)),  # Weibull
    (lambda n: 0.7 - np.exp(-0.02 * n**0.6 - 0.5), ("weibull", 0.7, (0.7 - math.exp(-0.5)) / 0.7, 0.02 * 1000**0.6,
                                                    0.6)),  # exp4
])
def test_aliases_are_the_same_curves(theirs, ours):
    images = np.geomspace(30, 30_000, 8)
    name, *parameters = ours
    assert getattr(models, name)(images / 1000, *parameters) == pytest.approx(theirs(images), rel=1e-12)
