import math

import numpy as np
import pytest

from datasets.errors import InputError
from predict.cost import (
    Bill,
    Prices,
    affordable,
    learn_hours,
    make_bill,
    proportional_hours,
    purchase,
    quote,
    rank_purchases,
    rank_quotes,
)
from predict.tables import Curve
from tests.predict.known import lines


def timed(images, seconds):
    return Curve("c", np.asarray(images, dtype=float), np.linspace(0.1, 0.2, len(images)),
                 np.full(len(images), np.nan), seconds=np.asarray(seconds, dtype=float))


@pytest.mark.parametrize("images, seconds, at, hours", [
    ([100, 1000], [3600, 3600 * 10], [50, 100, 550, 1000, 2000], [1, 1, 5.5, 10, 20]),
    ([100, 400, 1600, 3200], [36, 3600, 3600, 3600], [3200, 99_999], [1, 1]),  # a recipe that has reached its cap
    ([100, 1000, 1000, 1000], [3600, 7200, 7200, 99_999], [1000], [2]),  # one slow run does not count
    ([100, 1000], [7200, 3600], [1000, 5000], [2, 2]),  # a smaller subset never takes longer
    ([100, 1000], [math.nan, 3600], [500, 1000, 3000], [0.5, 1, 3]),
])
def test_hours_are_learned_from_seconds(images, seconds, at, hours):
    assert learn_hours(timed(images, seconds)).at(np.array(at, dtype=float)) == pytest.approx(hours)


def test_a_table_without_seconds_teaches_no_hours():
    assert learn_hours(timed([100, 1000], [math.nan] * 2)) is None
    assert learn_hours(lines().curve) is None


def test_only_images_beyond_the_labelled_cost_labels():
    bill = Bill(1000, 0.5, proportional_hours(2), Prices(image=0.5, gpu_hour=3, trainings=2))
    images = np.array([500.0, 1000, 3000])
    assert bill.labelling(images).tolist() == [0, 0, 1000]
    assert bill.training(images).tolist() == [12, 12, 36]  # at least on all that are labelled
    assert bill.total(np.array([3000, np.inf])).tolist() == [1036, math.inf]


def test_bill_takes_boxes_from_the_table_unless_told():
    fitted = lines(boxes=np.array([200.0, 3000]))
    assert make_bill(fitted, Prices(image=1, box=0.1)).per_image == pytest.approx(1.3)
    assert make_bill(fitted, Prices(image=1, box=0.1), boxes=5).per_image == pytest.approx(1.5)
    assert make_bill(fitted, Prices(image=1)).labelled == 1000
    assert make_bill(fitted, Prices(image=1), labelled=10).labelled == 10


@pytest.mark.parametrize("prices, said", [(Prices(box=1), "--boxes-per-image"),
                                          (Prices(gpu_hour=1), "--gpu-hours-per-1000-images")])
def test_a_price_for_what_is_not_known_is_refused(prices, said):
    with pytest.raises(InputError, match=said):
        make_bill(lines(), prices)


def test_quote_adds_labels_and_training_of_the_images_needed():
    fitted = lines(slope=np.linspace(0.05, 0.15, 101))
    answer = quote(fitted, make_bill(fitted, Prices(image=1, gpu_hour=10), hours_per_thousand=2), 0.5)
    assert answer.parts == pytest.approx((4000, 100)) and answer.total == pytest.approx(4100)
    low, high = answer.interval(80)
    assert (low, high) == pytest.approx((1.02 * 500 / 0.14 - 1000, 1.02 * 500 / 0.06 - 1000), rel=0.02)


def test_what_is_reached_costs_nothing_but_labels_that_are_not_there():
    fitted = lines()
    bill = make_bill(fitted, Prices(image=1, gpu_hour=10), hours_per_thousand=1)
    assert (quote(fitted, bill, 0.1).total, quote(fitted, bill, 0.1).parts) == (0, (0, 0))
    fewer = make_bill(fitted, Prices(image=1, gpu_hour=10), labelled=400, hours_per_thousand=1)
    assert quote(fitted, fewer, 0.1).parts == (600, 10)


def test_out_of_reach_costs_never_and_ranks_last():
    cheap, dear, never = lines(0.1, name="d_cheap"), lines(0.05, name="d_dear"), lines(0.1, 0.3, name="d_never")
    quotes = rank_quotes([quote(c, make_bill(c, Prices(image=1)), 0.5) for c in (never, dear, cheap)])
    assert [q.need.curve.curve.detector for q in quotes] == ["cheap", "dear", "never"]
    assert [q.cheapest for q in quotes] == [1, 0, 0]
    assert quotes[2].parts == (math.inf, math.inf) and quotes[2].row()["answer"] == "not reachable"


def test_of_equally_cheap_ones_the_first_had_the_target_with_fewer_images():
    late, early = lines(sizes=(100, 1000), name="d_late"), lines(sizes=(100, 500, 1000), name="d_early")
    quotes = rank_quotes([quote(c, make_bill(c, Prices(image=1)), 0.05) for c in (late, early)])
    assert [(q.total, q.images) for q in quotes] == [(0, 500), (0, 1000)]


@pytest.mark.parametrize("budget, images", [(500, 1500), (0, 1000), (1e9, 5000)])
def test_affordable_images(budget, images):
    assert affordable(Bill(1000, 1, None, Prices(image=1)), budget, 5000) == images


def test_affordable_images_leave_money_for_training():
    bill = Bill(0, 1, proportional_hours(1000), Prices(image=1, gpu_hour=1))
    assert affordable(bill, 100, 1e6) == 50
    assert math.isnan(affordable(Bill(1000, 1, proportional_hours(1), Prices(gpu_hour=10)), 9, 1e6))


def test_budgets_rank_by_what_they_bring():
    small, large, slow = lines(0.1, name="d_small"), lines(0.2, name="d_large"), lines(0.3, name="d_slow")
    bills = [make_bill(c, Prices(1, gpu_hour=1), hours_per_thousand=h)
             for c, h in ((small, 0), (large, 0), (slow, 5000))]
    ranked = rank_purchases([purchase(c, b, 1000) for c, b in zip((small, large, slow), bills)])
    assert [p.curve.curve.detector for p in ranked] == ["large", "small", "slow"]
    assert [p.median for p in ranked] == pytest.approx([0.4, 0.2, math.nan], nan_ok=True)
    assert [p.best for p in ranked] == [1, 0, 0] and ranked[0].images == 2000
