import numpy as np
import pandas as pd
import pytest

from datasets.errors import InputError
from predict.backtest import DEFAULT, FORECASTERS, STUDY, forecast_bands, make_forecasts
from predict.tables import PUBLISHED_2019, Curve, read_curves
from tests.predict.laws import law


@pytest.fixture(scope="module")
def published() -> list[Curve]:
    return read_curves(PUBLISHED_2019)


def tabulate(forecasts):
    return pd.DataFrame([forecast.row() for forecast in forecasts])


def mean_error(table, model):
    """Mean |error| at 100 %, points."""
    return 100 * table[(table["model"] == model) & (table["images"] == 118287)]["error"].abs().mean()


@pytest.mark.parametrize("fit_up_to, most, study, m2",
                         [(5, 1.5, 1.46, 5.3), (10, 0.8, 0.84, 5.6), (20, 0.55, 1.89, 3.3)])
def test_accuracy_on_the_published_curves(published, fit_up_to, most, study, m2):
    table = tabulate(make_forecasts(published, fit_up_to))
    assert mean_error(table, DEFAULT) < most
    assert mean_error(table, STUDY) == pytest.approx(study, abs=0.01)  # by the rule of 2019
    assert mean_error(table, "M2") == pytest.approx(m2, abs=0.1)
    ours = table[(table["model"] == DEFAULT) & (table["images"] == 118287)]
    assert ((ours["lo-80"] <= ours["truth"]) & (ours["truth"] <= ours["hi-80"])).all()


def test_every_later_size_has_a_row_beside_the_truth_and_every_asked_one_uses_all_points(published):
    table = tabulate(make_forecasts(published[:1], 20, at=[200_000], models=[DEFAULT]))
    assert table["images"].tolist() == [35486, 59143, 88715, 118287, 200_000]
    assert table["fitted_sizes"].tolist() == [6, 6, 6, 6, 10]
    assert table["truth"][:4].tolist() == [0.197, 0.198, 0.203, 0.206] and np.isnan(table["truth"][4])
    assert table["error"][0] == table["median"][0] - 0.197


def test_a_study_under_way_is_forecast_at_its_whole_data_set():
    images = np.array([250.0, 350, 500])
    curve = Curve("early", images, law(images), np.full(3, np.nan), whole=10_000)
    (forecast,) = make_forecasts([curve], 20, models=[DEFAULT])
    assert forecast.images == 10_000 and np.isnan(forecast.truth)


@pytest.mark.parametrize("name", FORECASTERS)
def test_every_forecaster_answers(published, name):
    assert all(0 <= f.median <= 1 for f in make_forecasts(published[:1], 20, models=[name]))


def test_the_band_starts_where_fitting_stopped(published):
    band = forecast_bands(published[:1], 5, at=[200_000])
    assert band["images"].iloc[[0, -1]].tolist() == pytest.approx([5914, 200_000])
    assert (band["lo-80"] <= band["median"]).all() and (band["median"] <= band["hi-80"]).all()


def test_too_few_sizes_and_nothing_to_forecast_are_refused(published):
    with pytest.raises(InputError, match="1 subset size"):
        make_forecasts(published, 1)
    with pytest.raises(InputError, match="no size is left"):
        make_forecasts(published, 100)
    with pytest.raises(InputError, match="did you mean 'M2'"):
        make_forecasts(published, 20, models=["M22"])


def test_few_small_subsets_do_when_sizes_are_asked_for(published):
    assert {f.fitted_sizes for f in make_forecasts(published[:1], 1, at=[200_000])} == {10}
