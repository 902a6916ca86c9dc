import numpy as np
import pytest
from hypothesis import given, settings

from datasets.errors import InputError
from predict.observations import average_repeats
from predict.study2019 import (
    FORMULAS,
    START,
    STUDY_MODELS,
    fit_study,
    fit_study_logarithm,
    logarithm,
    study_r_squared,
)
from predict.tables import PUBLISHED_2019, read_curves
from tests.predict.laws import observe
from tests.predict.test_fit import curves

PUBLISHED = [average_repeats(curve) for curve in read_curves(PUBLISHED_2019)]
W = np.array([0.5, 2.0, 3.0, 4.0])
LN = np.log


def held_out(name, up_to):
    """Errors at the held-out sizes, points [curves, sizes]."""
    fits = [STUDY_MODELS[f"study's {name}"](curve.up_to(up_to)) for curve in PUBLISHED]
    later = [curve.beyond(up_to) for curve in PUBLISHED]
    return np.array([100 * (fit.quantiles(o.images, [0.5])[0] - o.values) for fit, o in zip(fits, later)])


@pytest.mark.parametrize("name, n, expected", [
    ("ARM", 1, 3 - 0.5 * np.exp(-2)),
    ("logarithm", 7, 0.5 * LN(10) + 2),
    ("log-log", 7, 0.5 * LN(LN(10)) + 2),
    ("log-log-log", 97, 0.5 * LN(LN(LN(100))) + 2),
    ("Pareto", 97, 1 - 0.1),
    ("generalised Pareto", 7, 0.5 - 2 * 1e-3),
    ("multi-log", 14, 2 * (LN(10) + LN(LN(10)))),
    ("poly-log", 14, 2 * LN(10) + 4 * LN(45)),
])
def test_formulas_at_points_worked_out_by_hand(name, n, expected):
    assert FORMULAS[name](W, np.float64(n)) == pytest.approx(expected, rel=1e-12)


def test_every_formula_exists_at_no_images():
    assert all(np.isfinite(formula(np.array(START), np.array([0.0]))).all() for formula in FORMULAS.values())


@pytest.mark.parametrize("name, error, rmse", [
    ("ARM", 9.24, 7.34), ("logarithm", 1.46, 2.69), ("log-log", 8.59, 7.72), ("log-log-log", 11.76, 10.09),
    ("Pareto", 4.74, 5.11), ("generalised Pareto", 1.46, 2.69), ("multi-log", 1.21, 2.82),
])
def test_the_studys_rule_from_5_per_cent(name, error, rmse):
    """As its notebook's own code and formulas answer, run with SciPy; poly-log cannot run there."""
    errors = held_out(name, 5)
    assert np.abs(errors[:, -1]).mean() == pytest.approx(error, abs=0.01)
    assert np.sqrt(np.square(errors).mean(axis=1)).mean() == pytest.approx(rmse, abs=0.01)


@pytest.mark.parametrize("up_to, error", [(10, 0.84), (20, 1.89)])
def test_the_studys_logarithm_from_more(up_to, error):
    assert np.abs(held_out("logarithm", up_to)[:, -1]).mean() == pytest.approx(error, abs=0.01)


@pytest.mark.parametrize("name, r_squared", [
    ("logarithm", (0.962, 0.982, 0.939, 0.895)), ("ARM", (0.689, 0.652, 0.603, 0.646)),
])
def test_the_studys_own_figure_over_fitted_and_held_out_points_together(name, r_squared):
    fits = [STUDY_MODELS[f"study's {name}"](curve.up_to(5)) for curve in PUBLISHED]
    found = [study_r_squared(fit, curve) for fit, curve in zip(fits, PUBLISHED)]
    assert found == pytest.approx(r_squared, abs=6e-4)


def test_a_high_r_squared_goes_with_a_bad_forecast():
    last = PUBLISHED[3]
    assert study_r_squared(fit_study_logarithm(last.up_to(5)), last) > 0.89
    assert np.sqrt(np.square(held_out("logarithm", 5)[3]).mean()) > 4.8


def test_the_logarithm_in_closed_form_is_the_studys_search():
    for curve in PUBLISHED:
        searched = fit_study(logarithm, curve.up_to(5)).quantiles(curve.images, [0.5])
        assert fit_study_logarithm(curve.up_to(5)).quantiles(curve.images, [0.5]) == pytest.approx(searched, abs=1e-5)


def test_generalised_pareto_degenerates_to_the_logarithm():
    assert held_out("generalised Pareto", 5) == pytest.approx(held_out("logarithm", 5), abs=0.03)


def test_the_logarithm_goes_through_its_invented_row():
    fit = fit_study_logarithm(observe([100, 1000, 10000], [0.1, 0.2, 0.3]))
    slope, start = np.polyfit(np.log(np.array([0, 100, 1000, 10000]) + 3), [0, 0.1, 0.2, 0.3], 1)
    assert fit.predict([20000])["median"][0] == pytest.approx(start + slope * np.log(20003))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", STUDY_MODELS)
def test_every_prefix_of_the_published_curves_is_fitted_without_a_warning(name):
    for curve in PUBLISHED[::3]:
        for size in curve.images[1:]:
            fit = STUDY_MODELS[name](curve.up_to(100 * size / curve.whole))
            assert np.isfinite(fit.quantiles(curve.images, [0.5])).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", STUDY_MODELS)
@given(curve=curves())
@settings(max_examples=8, deadline=None)
def test_any_curve_gets_an_answer_within_bounds(name, curve):
    values = STUDY_MODELS[name](curve).quantiles(np.geomspace(1, 1e9, 50), [0.5])[0]
    assert values.min() >= 0 and values.max() <= 1


@pytest.mark.parametrize("name", STUDY_MODELS)
def test_one_size_is_refused(name):
    with pytest.raises(InputError, match="1 subset size"):
        STUDY_MODELS[name](observe([100], [0.1]))
