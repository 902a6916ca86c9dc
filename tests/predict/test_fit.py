import numpy as np
import pytest
from scipy import optimize

from datasets.errors import InputError
from predict.fit import fit_model, fit_study_logarithm, least_squares
from predict.models import MODELS
from predict.tables import PUBLISHED_2019, read_curves
from tests.predict.laws import law, observe


@pytest.mark.parametrize("name", ["M2", "weighted M2", "logarithm", "MMF"])
def test_no_fit_is_worse_than_scipys(name):
    model = MODELS[name]
    lower, upper = np.array(model.lower), np.array(model.upper)
    starts = np.random.default_rng(1).uniform(lower, upper, (10, len(lower)))
    for curve in read_curves(PUBLISHED_2019):
        x = curve.images[:6] / curve.images[5]
        weights = x**model.weight_power

        def residuals(p):
            return np.sqrt(weights) * (model.formula(x, *p) - curve.values[:6])

        ours = np.square(residuals(least_squares(model, x, curve.values[:6], weights))).sum()
        theirs = min(2 * optimize.least_squares(residuals, s, bounds=(lower, upper), xtol=1e-12).cost for s in starts)
        assert ours <= theirs * 1.001 + 1e-9


def test_power_law_is_recovered_from_its_own_points():
    images = np.array([10.0, 50, 200, 1000])
    fit = fit_model(MODELS["M2"], observe(images, law(images)))
    assert fit.predict([5000])["median"][0] == pytest.approx(law(5000), abs=1e-4)


def test_study_logarithm_goes_through_its_invented_row():
    fit = fit_study_logarithm(observe([100, 1000, 10000], [0.1, 0.2, 0.3]))
    images = np.array([0, 100, 1000, 10000])
    slope, start = np.polyfit(np.log(images + 3), [0, 0.1, 0.2, 0.3], 1)
    assert fit.predict([20000])["median"][0] == pytest.approx(start + slope * np.log(20003))


def test_fitted_curves_have_no_interval_and_stay_within_bounds():
    table = fit_model(MODELS["logarithm"], observe([10, 1000], [0.1, 0.9])).predict([1e6], level=[80])
    assert table["median"][0] == 1
    assert table[["lo-80", "hi-80"]].isna().all(axis=None)


@pytest.mark.parametrize("fit", [fit_study_logarithm, lambda o: fit_model(MODELS["M2"], o)])
def test_one_size_is_refused(fit):
    with pytest.raises(InputError, match="1 subset size"):
        fit(observe([100], [0.1]))
