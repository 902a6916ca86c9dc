import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from datasets.errors import InputError
from predict.fit import fit_model, least_squares
from predict.models import MODELS, CurveModel
from predict.observations import average_repeats
from predict.tables import PUBLISHED_2019, read_curves
from tests.predict.laws import law, observe

PUBLISHED = [average_repeats(curve) for curve in read_curves(PUBLISHED_2019)]


@st.composite
def curves(draw):
    """Two to seven sizes, rising, and any mAP at each."""
    count = draw(st.integers(2, 7))
    images = draw(st.lists(st.integers(1, 10**6), min_size=count, max_size=count, unique=True))
    values = draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))
    return observe(sorted(images), values)


@pytest.mark.parametrize("sizes", [3, 6])
@pytest.mark.parametrize("name", MODELS)
def test_no_fit_is_worse_than_scipys(name, sizes):
    model = MODELS[name]
    lower, upper = np.array(model.lower), np.array(model.upper)
    starts = [model.start, *np.random.default_rng(1).uniform(lower, upper, (4, len(lower)))]
    for curve in PUBLISHED:
        x = curve.images[:sizes] / curve.images[sizes - 1]
        weights = x**model.weight_power

        def residuals(p):
            return np.sqrt(weights) * (model.formula(x, *p) - curve.values[:sizes])

        ours = np.square(residuals(least_squares(model, x, curve.values[:sizes], weights))).sum()
        theirs = min(2 * optimize.least_squares(residuals, s, bounds=(lower, upper), max_nfev=100).cost for s in starts)
        assert ours <= theirs * 1.001 + 1e-9


@pytest.mark.parametrize("name", MODELS)
def test_curves_are_recovered_from_their_own_points(name):
    model, images = MODELS[name], np.geomspace(200, 1000, 9)
    fit = fit_model(model, observe(images, model.formula(images / 1000, *model.start)))
    truth = model.formula(np.array([0.5, 3]), *model.start)
    assert fit.quantiles(np.array([500.0, 3000]), [0.5])[0] == pytest.approx(truth, abs=2e-3)


def test_power_law_is_recovered_from_its_own_points():
    images = np.array([250.0, 500, 1000, 2000])
    fit = fit_model(MODELS["M2"], observe(images, law(images)))
    assert fit.predict([5000])["median"][0] == pytest.approx(law(5000), abs=1e-4)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", MODELS)
def test_every_prefix_of_the_published_curves_is_fitted_without_a_warning(name):
    for curve in PUBLISHED[::3]:
        for size in curve.images[1:]:
            fit = fit_model(MODELS[name], curve.up_to(100 * size / curve.whole))
            assert np.isfinite(fit.quantiles(curve.images, [0.5])).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", MODELS)
@given(curve=curves())
@settings(max_examples=10, deadline=None)
def test_any_curve_gets_a_rising_fit_within_bounds(name, curve):
    values = fit_model(MODELS[name], curve).quantiles(np.geomspace(1, 1e9, 50), [0.5])[0]
    assert values.min() >= 0 and values.max() <= 1 and np.diff(values).min() >= -1e-12


def test_a_model_with_more_parameters_than_points_goes_through_them():
    curve = PUBLISHED[3].up_to(5)
    assert len(curve) < len(MODELS["BNSL"].lower)
    fitted = fit_model(MODELS["BNSL"], curve).quantiles(curve.images, [0.5])[0]
    assert fitted == pytest.approx(curve.values, abs=1e-4)


def test_of_equally_good_fits_the_one_from_the_models_own_start_counts():
    def level(x, one, other):  # only their sum is told
        return one + other + 0 * x

    x, values = np.array([0.5, 1]), np.array([0.5, 0.5])
    for start in ((0.1, 0.4), (0.4, 0.1)):
        found = least_squares(CurveModel(level, (0, 0), (1, 1), start), x, values, np.ones(2))
        assert found == pytest.approx(start, abs=1e-3)


def test_a_model_needs_no_start():
    def line(x, last, slope):
        return last + slope * (x - 1)

    fit = fit_model(CurveModel(line, (0, 0), (1, 1)), observe([500, 1000], [0.2, 0.3]))
    assert fit.quantiles(np.array([2000.0]), [0.5])[0] == pytest.approx(0.5, abs=1e-4)


def test_fitted_curves_have_no_interval_and_stay_within_bounds():
    table = fit_model(MODELS["logarithm"], observe([10, 1000], [0.1, 0.9])).predict([1e6], level=[80])
    assert table["median"][0] == 1
    assert table[["lo-80", "hi-80"]].isna().all(axis=None)


def test_one_size_is_refused():
    with pytest.raises(InputError, match="1 subset size"):
        fit_model(MODELS["M2"], observe([100], [0.1]))
