"""Fits beside closed forms, and how often their intervals hold the truth."""

import numpy as np
import pytest

from predict.power_law import Errors, compare_exponents, fit_power_law

SIZES = np.array([100.0, 250, 500, 1000, 2000, 5000, 10_000])
REPEATS = 600  # simulated curves: an interval's coverage is known to .009


def errors(values, stderr=None, images=SIZES, detector="ssd", dataset="digits"):
    values = np.asarray(values, dtype=float)
    unknown = np.full(len(values), np.nan)
    return Errors(dataset, detector, "1 - AP", np.asarray(images, dtype=float), values,
                  unknown if stderr is None else np.broadcast_to(stderr, values.shape).astype(float),
                  np.full((len(values), 2), np.nan))


def closed_form(x, y, weights):
    """Return slope and its variance for weights that are one over the variance (Bevington's formulas)."""
    total = weights.sum()
    spread = total * (weights * x**2).sum() - (weights * x).sum() ** 2
    return (total * (weights * x * y).sum() - (weights * x).sum() * (weights * y).sum()) / spread, total / spread


def test_an_exact_law_is_found_with_no_doubt():
    law = fit_power_law(errors(2 * SIZES**-0.3))
    assert (law.alpha, law.beta.value) == pytest.approx((2, 0.3))
    assert (law.beta.low, law.beta.high, law.scatter) == pytest.approx((0.3, 0.3, 0), abs=1e-9)
    assert law.at(np.array([400.0])) == pytest.approx([2 * 400**-0.3])


def test_without_error_bars_it_is_the_ordinary_line_with_its_t_interval():
    y = np.log(SIZES) * -0.2 + np.random.default_rng(1).normal(0, 0.05, len(SIZES))
    slope, variance = closed_form(np.log(SIZES), y, np.ones(len(SIZES)))
    start = y.mean() - slope * np.log(SIZES).mean()
    residuals = y - start - slope * np.log(SIZES)
    half = 2.5705818 * np.sqrt(variance * (residuals**2).sum() / 5)  # Student's t of 5 degrees of freedom, .975
    law = fit_power_law(errors(np.exp(y)))
    assert (law.beta.value, law.beta.low, law.beta.high) == pytest.approx((-slope, -slope - half, -slope + half))
    assert law.scatter == pytest.approx(np.sqrt((residuals**2).sum() / 5))
    assert law.alpha == pytest.approx(np.exp(start))


def test_error_bars_weigh_the_points_and_are_the_least_uncertainty():
    bars = np.linspace(0.02, 0.2, len(SIZES))
    values = np.exp(-0.2 * np.log(SIZES) + bars * [0.5, -0.5, 0.4, -0.4, 0.3, -0.3, 0.2])
    slope, variance = closed_form(np.log(SIZES), np.log(values), bars**-2)
    law = fit_power_law(errors(values, bars * values))  # the logarithm's bar is the value's over the value
    half = 2.5705818 * np.sqrt(variance)
    assert (law.beta.value, law.beta.high - law.beta.value) == pytest.approx((-slope, half))


def test_scatter_beyond_the_error_bars_widens_the_interval():
    y = -0.2 * np.log(SIZES) + np.random.default_rng(2).normal(0, 0.1, len(SIZES))
    narrow, none = fit_power_law(errors(np.exp(y), 1e-4 * np.exp(y))), fit_power_law(errors(np.exp(y)))
    assert narrow.beta.low == pytest.approx(none.beta.low, rel=1e-3)


def test_one_missing_error_bar_leaves_all_points_equal():
    values, bars = SIZES**-0.2 * [1, 1.1, 0.9, 1, 1.1, 0.9, 1], np.linspace(0.001, 0.1, len(SIZES))
    bars[3] = np.nan
    assert fit_power_law(errors(values, bars)) == fit_power_law(errors(values))


@pytest.mark.parametrize("images, has_interval", [([100, 1000], False), ([100, 300, 1000], True)])
def test_two_sizes_have_an_exponent_but_no_interval(images, has_interval):
    law = fit_power_law(errors([0.8, 0.7, 0.5][:len(images)], images=images))
    assert np.isfinite(law.beta.value) and np.isfinite(law.beta.low) == has_interval
    assert np.isnan(law.bend)


def test_one_size_has_none():
    assert fit_power_law(errors([0.8], images=[100])) is None


@pytest.mark.parametrize("count, bar, scatter", [(3, 0, 0.03), (7, 0, 0.03), (7, 0.02, 0.03), (5, 0.01, 0.05)])
def test_intervals_hold_the_truth_in_95_of_100_cases(count, bar, scatter):
    rng, sizes, held = np.random.default_rng(3), SIZES[-count:], 0
    for _ in range(REPEATS):
        values = np.exp(-0.25 * np.log(sizes) + rng.normal(0, np.hypot(bar, scatter), count))
        beta = fit_power_law(errors(values, bar * values if bar else None, sizes)).beta
        held += beta.low <= 0.25 <= beta.high
    assert 0.93 <= held / REPEATS <= 0.97


def test_error_bars_that_explain_everything_keep_the_interval_honest():
    rng, held, widths = np.random.default_rng(4), 0, []
    for _ in range(REPEATS // 2):
        values = np.exp(-0.25 * np.log(SIZES) + rng.normal(0, 0.03, len(SIZES)))
        beta = fit_power_law(errors(values, 0.03 * values)).beta
        held += beta.low <= 0.25 <= beta.high
        widths.append(beta.high - beta.low)
    known = 2 * 1.96 * np.sqrt(closed_form(np.log(SIZES), np.zeros(7), np.full(7, 0.03**-2))[1])
    assert held / (REPEATS // 2) >= 0.95 and 1.2 < np.mean(widths) / known < 1.6  # t, and never less than the bars


def test_a_bend_is_told_from_scatter():
    rng = np.random.default_rng(5)
    straight = [fit_power_law(errors(np.exp(-0.2 * np.log(SIZES) + rng.normal(0, 0.02, len(SIZES))))).bend
                for _ in range(REPEATS)]
    assert 0.03 <= np.mean(np.array(straight) < 0.05) <= 0.07
    assert fit_power_law(errors(0.3 + 3 * SIZES**-0.5)).bend < 1e-3  # a floor that no data removes


def test_with_two_detectors_the_f_test_and_the_interval_of_the_difference_agree():
    rng = np.random.default_rng(6)
    one, other = (errors(np.exp(-b * np.log(SIZES) + rng.normal(0, 0.03, 7)), 0.01, detector=name)
                  for b, name in ((0.2, "ssd"), (0.23, "fpn")))
    test = compare_exponents([one, other])
    difference = test.differences["ssd", "fpn"]
    t = difference.value / ((difference.high - difference.low) / 2 / 2.5705818)
    assert (test.f, test.freedom) == (pytest.approx(t**2, rel=1e-6), (1, 5))
    assert (test.p < 0.05) == (difference.low > 0 or difference.high < 0)


def test_what_a_size_does_to_all_detectors_is_no_difference_between_them():
    common = SIZES**-0.2 * np.exp(np.random.default_rng(7).normal(0, 0.1, 7))  # luck of the draws, alike for both
    test = compare_exponents([errors(common), errors(0.8 * common * SIZES**-0.02, detector="fpn")])
    assert test.differences["ssd", "fpn"].high == pytest.approx(-0.02, abs=1e-9)
    assert test.p < 1e-6


@pytest.mark.parametrize("slopes, found", [((0.2, 0.2, 0.2), (0.03, 0.07)), ((0.2, 0.2, 0.3), (0.95, 1))])
def test_one_exponent_is_rejected_as_often_as_it_should_be(slopes, found):
    rng = np.random.default_rng(8)
    rejected = [compare_exponents([
        errors((k + 1) * np.exp(-b * np.log(SIZES) + rng.normal(0, 0.04, 7)), detector=f"d{k}")
        for k, b in enumerate(slopes)]).p < 0.05 for _ in range(REPEATS // 2)]
    assert found[0] <= np.mean(rejected) <= found[1]


@pytest.mark.parametrize("gap,least,most", [(0, 0.02, 0.08), (0.02, 0.9, 1)])
def test_noise_that_detectors_share_hides_no_difference(gap, least, most):
    """Most of an error bar is the validation images', and moves both detectors alike."""
    rng = np.random.default_rng(3)
    rejected = []
    for _ in range(REPEATS // 2):
        common = rng.normal(0, 0.02 * 0.7**0.5, len(SIZES))
        pair = [np.exp(-slope * np.log(SIZES) + common + rng.normal(0, 0.02 * 0.3**0.5, len(SIZES)))
                for slope in (0.1, 0.1 + gap)]
        test = compare_exponents([errors(values, 0.02 * values, detector=name) for name, values in zip("ab", pair)])
        rejected.append(test.p < 0.05)
    assert least <= np.mean(rejected) <= most


def test_common_exponent_has_an_offset_for_each_detector():
    test = compare_exponents([errors(SIZES**-0.2), errors(5 * SIZES[2:]**-0.2, images=SIZES[2:], detector="fpn")])
    assert test.common.value == pytest.approx(0.2)


@pytest.mark.parametrize("other", [[100, 250], [70, 80, 90]])
def test_too_few_shared_sizes_tell_nothing(other):
    test = compare_exponents([errors(SIZES**-0.2), errors(np.array(other) ** -0.3, images=other, detector="fpn")])
    assert np.isnan(test.p) and test.freedom[1] == 0
    assert np.isnan(test.differences["ssd", "fpn"].low)
