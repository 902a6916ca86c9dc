"""What every forecast must hold, whatever the forecaster does inside."""

import csv
import warnings
from contextlib import contextmanager
from functools import cache

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from predict.backtest import DEFAULT, FORECASTERS
from predict.models import MODELS
from predict.observations import Observations, average_repeats
from predict.tables import PUBLISHED_2019, Curve, read_curves, read_metrics
from tests.predict.laws import observe

PROBABILITIES = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975]
FAR = np.array([0.01, 0.3, 1, 1.5, 4, 20, 1e3])  # times the largest fitted size
SIZES = st.one_of(st.integers(1, 10**6), st.sampled_from([1, 2, 3, 10**9]))
VALUES = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0, 0.3, 0.3 + 1e-12, 1e-300, 1 - 1e-12]))
CURVES = st.lists(st.tuples(SIZES, VALUES), min_size=2, max_size=10, unique_by=lambda point: point[0])
METRICS = st.sampled_from(["AP", "AP50", "mAP"])
ODD = [[(1, 0.0), (10**9, 1.0)], [(1, 1.0), (10**9, 0.0)], [(1, 0.3), (2, 0.3), (3, 0.3)], [(10, 0.0), (100, 0.0)],
       [(10, 1.0), (100, 1.0)], [(10, 0.3), (11, 0.3 + 1e-12)], [(10**9 - 1, 0.2), (10**9, 0.9)],
       [(1, 0.0), (2, 1e-300), (3, 1.0)], [(10, 0.4), (100, 0.3), (1000, 0.1)], [(10, 0.1), (20, 0.9), (30, 0.1)]]
OURS = [DEFAULT, *MODELS]  # the study's own formulas may fall, and add 3 images in whatever unit


@st.composite
def rising_curves(draw, most=7):
    """Noisy power laws, at sizes that double or so."""
    count = draw(st.integers(2, most))
    steps = draw(st.lists(st.floats(1.3, 4), min_size=count - 1, max_size=count - 1))
    images = np.round(draw(st.integers(20, 5000)) * np.cumprod([1, *steps]))
    floor, exponent = draw(st.floats(0.05, 0.8)), draw(st.floats(0.1, 1.0))
    errors = draw(st.floats(0.3, 0.9)) * (floor + (1 - floor) * (images / images[-1]) ** -exponent)
    noise = np.array(draw(st.lists(st.floats(-0.01, 0.01), min_size=count, max_size=count)))
    return images, np.clip(1 - errors + noise, 0, 1)


@contextmanager
def silent():
    """Make an error of every warning and of every number that NumPy cannot hold (underflow is 0 and meant)."""
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        yield


def curve_of(images, values, stderr=None, metric="mAP") -> Curve:
    images, values = np.array(images, dtype=float), np.array(values, dtype=float)
    return Curve("c", images, values, np.full(len(images), np.nan) if stderr is None else np.array(stderr), metric)


def forecast(name: str, observed: Observations, images=None) -> np.ndarray:
    """Return the quantiles [P, N] at `images`, or else from a hundredth to a thousand times the largest fitted size."""
    with silent():
        return FORECASTERS[name](observed).quantiles(observed.images[-1] * FAR if images is None else images,
                                                     PROBABILITIES)


def median(quantiles: np.ndarray) -> np.ndarray:
    return quantiles[PROBABILITIES.index(0.5)]


def widths(quantiles: np.ndarray) -> np.ndarray:
    """Return the widths [3, N] of the 95, 80 and 50 % intervals."""
    return np.array([quantiles[-1 - i] - quantiles[i] for i in range(3)])


def check(name: str, quantiles: np.ndarray) -> None:
    assert np.isfinite(median(quantiles)).all()
    known = quantiles[np.isfinite(quantiles)]
    assert ((known >= 0) & (known <= 1)).all()
    if name == DEFAULT:
        assert np.isfinite(quantiles).all() and (np.diff(quantiles, axis=0) >= 0).all()
        assert (np.diff(quantiles, axis=1) >= -1e-12).all()


@cache
def shipped() -> list[Observations]:
    """Every curve of predict/data."""
    paths = sorted(PUBLISHED_2019.parent.glob("*.csv"))
    return [average_repeats(curve) for path in paths for metric in _metrics(path)
            for curve in read_curves(path, metric)]


def _metrics(path):
    with path.open(encoding="utf-8") as file:
        tidy = "recipe" in next(csv.reader(file))
    return [metric for metric in ("AP", "AP50") if metric in read_metrics(path)] if tidy else [None]


@settings(max_examples=60, deadline=None)
@given(CURVES, METRICS)
def test_any_curve_gives_monotone_quantiles_within_bounds_and_no_warning(points, metric):
    check(DEFAULT, forecast(DEFAULT, average_repeats(curve_of(*zip(*points), metric=metric))))


@pytest.mark.parametrize("points", ODD)
@pytest.mark.parametrize("name", FORECASTERS)
def test_odd_curves_give_an_answer_without_a_warning(name, points):
    check(name, forecast(name, observe(*zip(*points))))


def test_every_prefix_of_every_shipped_curve_is_forecast_without_a_warning():
    assert len(shipped()) >= 14
    for observed in shipped():
        for count in range(2, len(observed) + 1):
            check(DEFAULT, forecast(DEFAULT, observed.take(slice(count)), np.array([*observed.images, 1e9])))


@pytest.mark.parametrize("name", [name for name in FORECASTERS if name != DEFAULT])
def test_every_model_forecasts_shipped_curves_without_a_warning(name):
    for observed in shipped()[::5]:
        for count in {2, 3, len(observed)}:
            check(name, forecast(name, observed.take(slice(count)), np.array([*observed.images, 1e9])))


@pytest.mark.parametrize("name", OURS)
@settings(max_examples=8, deadline=None)
@given(rising_curves())
def test_more_images_never_lower_a_forecast(name, points):
    assert (np.diff(median(forecast(name, observe(*points)))) >= -1e-12).all()


@settings(max_examples=25, deadline=None)
@given(rising_curves(), st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_rows_says_nothing(points, random, repeated):
    rows = list(zip(*points)) + [(points[0][0], min(1, points[1][0] + 0.02))] * repeated
    mixed = random.sample(rows, len(rows))
    for name in (DEFAULT, "M2"):
        expected, found = (forecast(name, average_repeats(curve_of(*zip(*each)))) for each in (rows, mixed))
        assert found == pytest.approx(expected, abs=1e-9, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(rising_curves())
def test_the_unit_of_size_says_nothing(points):
    images, values = points
    one, thousands = (forecast(DEFAULT, observe(images / unit, values)) for unit in (1, 1000))
    assert thousands == pytest.approx(one, abs=1e-9)


@pytest.mark.parametrize("name", OURS)
def test_the_unit_of_size_says_nothing_to_models_that_the_sizes_determine(name):
    for observed in shipped()[::3]:
        if len(observed) >= 5:
            one, thousands = (forecast(name, observe(observed.images / unit, observed.values)) for unit in (1, 1000))
            assert thousands == pytest.approx(one, abs=1e-5, nan_ok=True)


@settings(max_examples=15, deadline=None)
@given(rising_curves())
def test_the_unit_of_value_says_nothing(tmp_path_factory, points):
    path = tmp_path_factory.getbasetemp() / "unit.csv"
    found = []
    for scale in (1, 100):
        rows = [f"{n:.0f},{scale * max(value, 0.03):.12g}" for n, value in zip(*points)]
        path.write_text("\n".join(["images,mAP", *rows]))
        found.append(average_repeats(read_curves(path)[0]))
    for name in (DEFAULT, "study's logarithm"):
        fractions, hundredths = (forecast(name, each) for each in found)
        assert hundredths == pytest.approx(fractions, abs=1e-6, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(rising_curves(), st.data(), METRICS, st.sampled_from([None, 0.004, 0.02]), st.integers(1, 3))
@example((np.array([1182.0, 2957, 5914]), np.array([0.169, 0.218, 0.262])), None, "mAP", None, 1)
def test_a_repeated_identical_observation_never_widens_an_interval(points, data, metric, error, times):
    images, values = points
    assume((np.diff(values) > 0).all() and values[0] > 0)
    stderr = np.full(len(images), np.nan if error is None else error)
    row = 0 if data is None else data.draw(st.integers(0, len(images) - 1))
    again = np.append(np.arange(len(images)), [row] * times)
    once = average_repeats(curve_of(images, values, stderr, metric))
    more = average_repeats(curve_of(images[again], values[again], stderr[again], metric))
    ahead = images[-1] * np.array([1, 2, 5, 20, 100])
    before, after = (widths(forecast(DEFAULT, observed, ahead)) for observed in (once, more))
    assert (after <= before + 1e-9).all()  # the mean of equal numbers is that number to the last bit but one


@pytest.mark.parametrize("name", FORECASTERS)
def test_the_same_observations_give_the_same_forecast(name):
    observed = shipped()[0].take(slice(4))
    first, second = (forecast(name, observed) for _ in range(2))
    assert np.array_equal(first, second, equal_nan=True)


@settings(max_examples=15, deadline=None)
@given(rising_curves())
def test_draws_and_images_needed_agree_with_the_quantiles(points):
    observed = observe(*points)
    with silent():
        fitted = FORECASTERS[DEFAULT](observed)
        at = 3 * observed.images[-1:]
        draws = fitted.draws(at)[:, 0]
        target = float(np.median(draws))
        needed = fitted.images_needed(target)
    assert draws.shape == needed.shape and ((draws >= 0) & (draws <= 1)).all() and (needed > 0).all()
    if 0.01 < target < 0.99:
        # a curve that reaches the target by 3 n needs at most 3 n
        assert abs(np.mean(needed <= at * (1 + 1e-9)) - np.mean(draws >= target)) < 0.002
