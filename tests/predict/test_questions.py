import math

import numpy as np
import pytest

from datasets.errors import InputError
from predict.questions import boxes_per_image, fit_curve, gains, images_for, shares_of_best
from predict.tables import LOSS, PUBLISHED_2019, Curve, read_curves
from tests.predict.known import lines
from tests.predict.laws import law


def curve_of(values, images=(100, 1000, 10_000), **more):
    return Curve("c", np.asarray(images, dtype=float), np.asarray(values, dtype=float), np.full(len(values), np.nan),
                 **more)


def test_images_for_a_target_are_quantiles_of_the_draws():
    need = images_for(lines(slope=np.linspace(0.05, 0.15, 101)), 0.5)
    assert need.images() == pytest.approx(5000) and need.chance == 1 and need.answer == "reachable"
    assert need.interval(80) == pytest.approx((500 / 0.14, 500 / 0.06), rel=0.01)
    assert need.interval(95)[0] < need.interval(80)[0] and need.interval(95)[1] > need.interval(80)[1]
    assert need.chance_by(np.array([1, 5000.1, 1e9])).tolist() == pytest.approx([0, 51 / 101, 1])


@pytest.mark.parametrize("reaching, answer", [(0, "not reachable"), (4, "not reachable"), (5, "reachable"),
                                              (10, "reachable")])
def test_a_target_is_reachable_where_half_of_the_draws_reach_it(reaching, answer):
    need = images_for(lines(ceiling=[0.9] * reaching + [0.4] * (10 - reaching)), 0.5)
    assert (need.answer, need.chance) == (answer, reaching / 10)
    assert math.isfinite(need.images()) == (answer == "reachable")


@pytest.mark.parametrize("values, target, at", [
    ([0.1, 0.3, 0.5], 0.3, 1000), ([0.1, 0.3, 0.5], 0.05, 100), ([0.1, 0.3, 0.5], 0.51, math.nan),
    ([0.1, 0.4, 0.5, 0.3], 0.35, math.nan), ([0.4, 0.1, 0.5], 0.35, 10_000)])  # one lucky size does not count
def test_a_target_is_reached_from_where_every_larger_size_has_it(values, target, at):
    images = np.geomspace(100, 10.0 ** (len(values) + 1), len(values))
    need = images_for(fit_curve(curve_of(values, images)), target)
    assert need.measured == pytest.approx(at, nan_ok=True)
    assert (need.answer == "reached") == math.isfinite(at)


def test_an_answer_does_not_deny_what_was_measured():
    curve = fit_curve(curve_of([0.1, 0.3, 0.5]))
    near = images_for(curve, 0.501)
    assert near.draws.min() >= curve.last and near.images() >= 10_000  # the largest subset has not reached it
    reached = images_for(curve, 0.3)
    assert reached.images() == 1000 and reached.interval(95) == (1000, 1000) and reached.row()["images"] == 1000


def test_what_the_held_out_sizes_reach_is_measured_but_not_the_answer():
    curve = read_curves(PUBLISHED_2019)[3]
    need = images_for(fit_curve(curve, 5), 0.4)
    assert need.measured == 23_657 and need.answer == "reachable"
    assert need.interval(95)[0] < 23_657 < need.interval(95)[1]


def test_row_of_a_need_has_boxes_and_intervals():
    row = images_for(lines(boxes=np.array([200.0, 3000])), 0.5).row()
    assert (row["images"], row["boxes"], row["boxes_hi-80"]) == pytest.approx((5000, 15_000, 15_000))
    assert row["curve"] == "d_ssd" and row["largest_fitted"] == 1000 and row["fitted_sizes"] == 2


def test_gain_is_the_difference_within_each_draw():
    slopes = np.linspace(0.05, 0.15, 101)
    one, two = gains(lines(slope=slopes), [1000, 2000])
    assert (one.start, one.median, two.median) == pytest.approx((1000, 0.1, 0.2))
    assert one.interval(80) == pytest.approx((0.06, 0.14))
    assert two.per_thousand == pytest.approx(0.1)
    assert np.allclose(one.after, 2 * slopes)
    narrow = gains(lines(slope=0.1, ceiling=np.linspace(0.15, 0.16, 5)), [100], start=5000)[0]
    assert narrow.median == 0 and np.ptp(narrow.before) > 0  # levels differ, gains do not


def test_gain_of_the_true_law_lies_in_the_interval():
    images = np.array([300.0, 500, 800, 1200, 1600])
    gain = gains(fit_curve(curve_of(law(images), images)), [3200])[0]
    low, high = gain.interval(95)
    assert low < law(4800) - law(1600) < high


def test_a_flat_curve_gains_nothing_and_says_so():
    fitted = fit_curve(curve_of([0.3, 0.3, 0.3]))
    gain = gains(fitted, [1000])[0]
    assert gain.median == 0 and "flat" in gain.row()["label"]


def test_shares_of_best_share_ties_and_leave_out_what_is_out_of_reach():
    assert shares_of_best(np.array([[1.0, 1], [1, 1]])).tolist() == [0.5, 0.5]
    assert shares_of_best(np.array([[2.0, 2], [1, 1]])).tolist() == [1, 0]
    assert shares_of_best(np.full((2, 3), -np.inf)).tolist() == [0, 0]
    ordered = np.tile(np.arange(4000.0), (2, 1))  # equal draw by draw, but independent curves
    assert shares_of_best(ordered + [[0], [0.5]]) == pytest.approx([0.5, 0.5], abs=0.05)


def test_boxes_per_image_are_those_of_one_size():
    curve = Curve("c", np.array([10.0, 100, 100]), np.array([0.1, 0.2, 0.2]), np.full(3, np.nan),
                  boxes=np.array([90.0, 280, np.nan]))
    assert boxes_per_image(curve, 100) == 2.8 and math.isnan(boxes_per_image(curve, 5))


@pytest.mark.parametrize("curve, up_to, said", [
    (curve_of([0.1, 0.2, 0.3]), 1, "--fit-up-to"), (curve_of([2, 1, 0.5], metric=LOSS), 100, "a loss has no mAP")])
def test_what_cannot_be_asked(curve, up_to, said):
    with pytest.raises(InputError, match=said):
        fit_curve(curve, up_to)
