import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from datasets.errors import InputError
from predict.forecaster import (
    DRAWS,
    FALLING,
    FLAT,
    HARDLY,
    TWO_SIZES,
    BayesianPowerLaw,
    Posterior,
    Regime,
    assumption,
    covariance_of,
    excess_of,
    log_level,
    profile,
    systematic,
)
from tests.predict.laws import law, observe

SIZES = np.geomspace(1, 1e6, 40)
POINTS = st.lists(st.tuples(st.integers(1, 10**6), st.floats(0, 1)), min_size=2, max_size=12,
                  unique_by=lambda point: point[0])


def width(observed, images=10_000, level=80):
    table = BayesianPowerLaw().fit(observed).predict([images], [level])
    return float(table[f"hi-{level}"][0] - table[f"lo-{level}"][0])


def test_forecast_holds_the_law_behind_the_points(rising):
    row = BayesianPowerLaw().fit(rising).predict([10_000], [50, 80, 95]).iloc[0]
    assert row["lo-95"] < row["lo-80"] < row["lo-50"] < row["median"] < row["hi-50"] < row["hi-80"] < row["hi-95"]
    assert row["lo-80"] < law(10_000) < row["hi-80"]


def test_many_precise_points_of_a_curve_without_discrepancy_pin_the_law_down():
    images = np.geomspace(250, 1000, 12)
    exact = observe(images, law(images), np.full(12, 1e-4))
    strict = BayesianPowerLaw(otherwise=Regime(0.5, 0.5, (1, 1), 0), straight_share=0, recency=0)
    table = strict.fit(exact).predict([4000], [80])
    assert table["median"][0] == pytest.approx(law(4000), abs=0.005)
    assert table["hi-80"][0] - table["lo-80"][0] < 0.03


@pytest.mark.parametrize("odds", [False, True])
def test_each_draw_follows_its_formula(odds):
    posterior = Posterior(1000.0, np.array([0.5]), np.array([0.2]), np.array([0.7]), np.array([odds]))
    level = 0.5 * (0.2 + 0.8 * 4**-0.7)
    error = level / (1 + level) if odds else level
    assert posterior.draws(np.array([4000.0])) == pytest.approx(np.array([[1 - error]]))
    assert posterior.images_needed(1 - error) == pytest.approx([4000])
    assert posterior.images_needed(0.95) == np.inf  # beyond the floor


def test_the_metric_says_how_far_a_curve_may_rise(rising):
    def top(metric):
        return BayesianPowerLaw().fit(replace(rising, metric=metric)).quantiles(np.array([50_000.0]), [0.5]).item()

    assert top("AP50") == top("mAP") < top("AP")


@pytest.mark.parametrize("boxes, share", [(np.nan, 0.04), (200, 0.5), (2, 1), (1e9, 0.04)])
def test_few_boxes_of_the_median_class_make_a_straight_curve_likely(rising, boxes, share):
    observed = replace(rising, whole=4 * rising.images[-1], class_boxes=4.0 * boxes)
    forecaster = BayesianPowerLaw()
    assert [weight for weight, _ in forecaster.mixture(observed)] == pytest.approx([1 - share, share], abs=1e-5)
    posterior = forecaster.fit(observed)
    assert len(posterior.odds) == DRAWS and posterior.odds.mean() == pytest.approx(share, abs=1e-3)
    assert ("some hundred boxes" in assumption(observed)) == np.isfinite(boxes)


def test_the_grids_prior_is_log_normal_times_beta():
    exponent, floor, log_prior = Regime(0.3, 0.4, (2, 5), 0).grid()
    expected = stats.norm.logpdf(np.log(exponent), np.log(0.3), 0.4) + stats.beta.logpdf(floor, 2, 5)
    assert np.ptp(log_prior - expected) < 1e-9


@pytest.mark.parametrize("odds", [False, True])
def test_the_slope_of_the_level_is_that_of_finite_differences(odds):
    values, noise = np.array([0.1, 0.4, 0.8]), np.full(3, 1e-3)
    (below, slope), (above, _) = (log_level(values + step, noise, odds) for step in (0, 1e-7))
    assert (below - above) / 1e-7 == pytest.approx(slope, rel=1e-4)
    assert log_level(np.array([0.0, 1]), noise[:2], False)[0] == pytest.approx(np.log([1 - 1e-3, 1e-3]))


def test_profile_is_generalised_least_squares_of_a_constant():
    covariance = np.array([[2.0, 0.5], [0.5, 1]])
    inverse = np.linalg.inv(covariance)
    left = np.array([[1.0, 3.0], [2.0, 2.0]])
    mean, variance, misfit = profile(left, covariance, np.ones(2))
    assert variance == pytest.approx(1 / inverse.sum())
    assert mean == pytest.approx(left @ inverse.sum(0) / inverse.sum())
    rest = left - mean[:, None]
    assert misfit == pytest.approx(np.einsum("gi,ij,gj->g", rest, inverse, rest), abs=1e-12)


def test_near_sizes_share_their_discrepancy_and_far_ones_do_not():
    near, far = (covariance_of(np.array([each, 1.0]), np.full(2, 0.1), 0.3) for each in (0.9, 1e-6))
    assert near[0, 0] == pytest.approx(0.1) and near[0, 1] == pytest.approx(0.09 * 0.9)
    assert far[0, 1] < 1e-4


def test_excess_is_one_for_what_is_expected_and_grows_with_the_misfit():
    x = np.geomspace(0.01, 1, 8)
    covariance = np.diag(np.full(8, 0.04))
    assert excess_of(6, x, covariance, np.ones(8)) == 1  # 8 sizes less the two of a line
    assert excess_of(18, x, covariance, np.ones(8)) == pytest.approx(3)
    assert excess_of(0, x[:2], covariance[:2, :2], np.ones(2)) == 3


def test_rows_are_drawn_in_proportion():
    assert systematic(np.array([0.0, 1, 0]), 5).tolist() == [1] * 5
    assert np.bincount(systematic(np.array([1.0, 2, 1]), 8)).tolist() == [2, 4, 2]


def test_what_is_measured_at_the_largest_size_again_strays_by_level_and_noise():
    posterior = BayesianPowerLaw(straight_share=0).fit(observe([100, 200, 400], law([100, 200, 400], 0.4)))
    again = posterior.draws(np.array([400.0])).std()
    noise, value = 0.003023, law(400, 0.4)
    discrepancy = 0.005 * (1 - value)
    assert 1.2 * noise < again < 1.2 * np.sqrt(2 * noise**2 + discrepancy**2)


def test_images_are_out_of_reach_beyond_a_thousand_times_the_largest_subset():
    posterior = Posterior(100.0, np.array([0.5]), np.array([0.0]), np.array([0.5]), np.array([False]))
    near, far = (1 - 0.5 * times**-0.5 for times in (900, 1100))
    assert posterior.images_needed(near) == pytest.approx([90_000]) and posterior.images_needed(far) == np.inf


def test_columns_of_the_contract(rising):
    table = BayesianPowerLaw().fit(rising).predict([2000])
    assert list(table) == ["images", "median", "lo-80", "hi-80", "lo-95", "hi-95"]


@settings(max_examples=40, deadline=None)
@given(POINTS)
def test_any_curve_gives_monotone_quantiles_within_bounds_and_no_warning(points):
    observed = observe(*zip(*points))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quantiles = BayesianPowerLaw().fit(observed).quantiles(SIZES, [0.025, 0.1, 0.5, 0.9, 0.975])
    assert ((quantiles >= 0) & (quantiles <= 1)).all()
    assert (np.diff(quantiles, axis=1) >= -1e-12).all()
    assert (np.diff(quantiles, axis=0) >= 0).all()


def test_same_observations_same_forecast_whatever_the_order_or_the_unit_of_size(rising):
    expected = BayesianPowerLaw().fit(rising).predict([5000])
    again = BayesianPowerLaw().fit(observe(rising.images[::-1], rising.values[::-1])).predict([5000])
    thousands = BayesianPowerLaw().fit(observe(rising.images / 1000, rising.values)).predict([5])
    assert again.equals(expected)
    assert thousands.drop(columns="images").to_numpy() == pytest.approx(expected.drop(columns="images").to_numpy())


def test_wider_error_bars_widen_the_interval(rising):
    narrow, wide = (observe(rising.images, rising.values, [stderr] * 3) for stderr in (0.001, 0.03))
    assert width(narrow) < width(rising) < width(wide)


def test_a_repeated_identical_observation_never_widens_the_interval(rising):
    for row in range(3):
        images, values = np.append(rising.images, rising.images[row]), np.append(rising.values, rising.values[row])
        assert width(observe(images, values)) <= width(rising) * 1.001


@pytest.mark.parametrize("values", [[0.3, 0.2, 0.1], [0.2, 0.2, 0.2], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
def test_a_curve_that_does_not_rise_gives_a_flat_wide_labelled_answer(values):
    fit = BayesianPowerLaw().fit(observe([10, 100, 1000], values))
    table = fit.predict([1000, 100_000], [95])
    assert fit.label == (FALLING if values[0] > values[-1] else FLAT)
    assert table["median"].tolist() == pytest.approx([np.mean(values)] * 2, abs=0.02)
    assert table["hi-95"][0] - table["lo-95"][0] > 0.03
    assert values[0] > 0.9 or table["hi-95"][1] > table["hi-95"][0] + 0.05  # it may rise all the same


def test_a_rise_within_the_noise_is_forecast_and_said():
    observed = observe([100, 200, 400], [0.3, 0.302, 0.301])
    fit = BayesianPowerLaw().fit(observed)
    assert fit.label == HARDLY and fit.quantiles(np.array([400.0]), [0.5]) == pytest.approx(0.301, abs=0.005)
    assert BayesianPowerLaw().fit(observe([100, 400], [0.3, 0.3])).label == f"{FLAT}; {TWO_SIZES}"


def test_the_start_of_a_curve_weighs_less_than_its_end():
    images = np.geomspace(100, 1000, 5)
    disturbed = law(images, 0.4) - 0.03 * (images == 100)

    def moved(forecaster):
        fits = [forecaster.fit(observe(images, values)) for values in (law(images, 0.4), disturbed)]
        return abs(np.subtract(*(fit.quantiles(np.array([5000.0]), [0.5]).item() for fit in fits)))

    assert moved(BayesianPowerLaw()) < moved(BayesianPowerLaw(recency=0)) / 3


def test_a_curve_noisier_than_assumed_widens_the_interval():
    images = [100, 200, 400, 800]
    assert width(observe(images, [0.1, 0.26, 0.2, 0.4])) > 1.5 * width(observe(images, [0.1, 0.2, 0.3, 0.4]))


def test_images_for_a_target_bracket_the_law(rising):
    low, median, high = BayesianPowerLaw().fit(rising).images_for(float(law(4000)))
    assert low < median < high
    assert low < 4000 < high


def test_a_target_above_the_floor_of_error_is_out_of_reach(rising):
    assert BayesianPowerLaw().fit(rising).images_for(0.999)[1] == np.inf


def test_error_bars_as_wide_as_the_metric_give_a_wide_answer_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        low, high = BayesianPowerLaw().fit(observe([100, 1000], [0.2, 0.9], [0.7, 1.0])).quantiles(
            np.array([5000.0]), [0.1, 0.9])[:, 0]
    assert 0 <= low < high - 0.3 and high <= 1


def test_fewer_than_two_sizes_are_refused():
    with pytest.raises(InputError, match="1 subset size"):
        BayesianPowerLaw().fit(observe([100], [0.2]))
