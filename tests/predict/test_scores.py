import numpy as np
import pytest
from scipy import integrate, stats

from predict.scores import PROBABILITIES, coverage, crps, crps_of_quantiles, rmse, rmsle


@pytest.mark.parametrize("draws, truth, expected", [
    ([3.0], 5.0, 2.0),  # one draw: |error|
    ([1.0, 3.0], 2.0, 0.5),  # 1 - 1/2 * mean of |0|, |2|, |2|, |0|
    ([1.0, 3.0], 7.0, 4.5),
    ([0.0, 0.0, 3.0], 0.0, 1 / 3),  # 1 - 1/2 * 12 / 9
])
def test_crps_by_hand(draws, truth, expected):
    assert crps(np.array(draws)[:, None], np.array([truth])) == pytest.approx([expected])


def test_crps_by_its_definition_as_an_integral():
    rng = np.random.default_rng(1)
    draws, truth = rng.normal(size=(40, 3)), np.array([-0.4, 0.1, 5.0])
    grid = np.linspace(-6, 8, 400_001)
    for each, y, score in zip(draws.T, truth, crps(draws, truth)):
        below = np.searchsorted(np.sort(each), grid, side="right") / len(each)
        assert integrate.trapezoid(np.square(below - (grid >= y)), grid) == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize("truth", [-1.3, 0.0, 2.5])
def test_crps_of_dense_quantiles_is_that_of_the_distribution(truth):
    quantiles = stats.norm.ppf(PROBABILITIES)[:, None]
    normal = truth * (2 * stats.norm.cdf(truth) - 1) + 2 * stats.norm.pdf(truth) - 1 / np.sqrt(np.pi)
    assert crps_of_quantiles(quantiles, np.array([truth])) == pytest.approx([normal], abs=2e-3)


def test_crps_rewards_the_honest_width():
    truth = stats.norm.ppf((np.arange(500) + 0.5) / 500)
    scores = {width: crps(np.repeat(width * stats.norm.ppf(PROBABILITIES)[:, None], 500, axis=1), truth).mean()
              for width in (0.5, 0.8, 1.0, 1.25, 2.0)}
    assert min(scores, key=scores.__getitem__) == 1.0


def test_crps_of_a_forecast_without_intervals_is_its_error():
    quantiles = np.full((len(PROBABILITIES), 2), np.nan)
    quantiles[PROBABILITIES == 0.5] = 0.3, 0.4
    assert crps_of_quantiles(quantiles, np.array([0.5, 0.35])) == pytest.approx([0.2, 0.05])


def test_coverage_by_hand():
    # residuals about 1/2: curve a +1/2 + 1/2, b -1/2 - 1/2 -> sqrt(2/1 * (1 + 1)) / 4
    assert coverage(np.array([1, 1, 0, 0], bool), ["a", "a", "b", "b"]) == pytest.approx((0.5, 0.5))
    # a curve each: sqrt(4/3 * 4 * 1/4) / 4, the unbiased standard error of independent trials
    assert coverage(np.array([1, 1, 0, 0], bool), list("abcd")) == pytest.approx((0.5, np.sqrt(0.25 / 3)))


def test_coverage_of_one_curve_has_no_standard_error_and_of_none_no_share():
    share, stderr = coverage(np.array([True, False]), ["a", "a"])
    assert share == 0.5 and np.isnan(stderr)
    assert np.isnan(coverage(np.array([], bool), [])).all()


def test_clustered_standard_error_is_what_shared_curves_scatter_by():
    rng = np.random.default_rng(0)
    names = np.repeat(np.arange(30), 12)
    luck = rng.random((400, 30)) < 0.7  # half of a curve's forecasts stand and fall together
    held = np.where(rng.random((400, 360)) < 0.5, np.repeat(luck, 12, axis=1), rng.random((400, 360)) < 0.7)
    shares, errors = np.array([coverage(each, names) for each in held]).T
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(shares.std(), rel=0.12)
    assert shares.std() > 1.5 * np.sqrt(0.7 * 0.3 / 360)


def test_root_mean_squares():
    assert rmse(np.array([1.0, 2.0]), np.array([1.0, 4.0])) == pytest.approx(np.sqrt(2))
    assert rmsle(np.array([np.e, 1.0]), np.array([1.0, 1.0])) == pytest.approx(np.sqrt(0.5))
    assert np.isfinite(rmsle(np.array([0.0]), np.array([0.1])))
