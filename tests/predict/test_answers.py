import math

import numpy as np
import pytest

from predict.answers import about, classes_table, gains_table, money, needs_table, purchases_table, quotes_table
from predict.classes import rank_classes
from predict.cost import Prices, make_bill, purchase, quote, rank_purchases, rank_quotes
from predict.questions import gains, images_for
from tests.predict.known import lines


def test_forecast_numbers_have_three_digits():
    assert [about(n) for n in (5304.2, 118_287, 7, math.inf, math.nan)] == ["5,300", "118,000", "7", "never", "-"]
    assert [money(p) for p in (0.126, 99.5, 64_231, math.inf)] == ["0.13", "99.50", "64,200", "never"]


@pytest.mark.parametrize("target, ceiling, cells", [
    (0.5, 1, ["5,000", "5,000 - 5,000", "5,000 - 5,000", "-", "100 %", "10.0 at 1,000"]),
    (0.1, 1, ["reached already at 1,000", "-", "-", "-", "-", "10.0 at 1,000"]),
    (0.5, [0.9] * 3 + [0.4] * 7, ["not reachable", "5,000 - never", "5,000 - never", "-", "30 %", "10.0 at 1,000"]),
    (0.5, 0.2, ["not reachable", "never", "never", "-", "0 %", "10.0 at 1,000"]),
    (0.5, [0.9] * 999 + [0.4], ["5,000", "5,000 - 5,000", "5,000 - 5,000", "-", "> 99 %", "10.0 at 1,000"]),
])
def test_needs(target, ceiling, cells):
    assert needs_table([images_for(lines(ceiling=ceiling), target)])[1] == ["d_ssd", *cells]


def test_gains_to_hundredths():
    row = gains_table(gains(lines(), [1500]))[1]
    assert row == ["d_ssd", "1,000", "10.0", "+1,500", "+15.00", "+15.00 to +15.00", "+15.00 to +15.00", "+10.00"]


def test_quotes_and_purchases():
    curves = [lines(), lines(ceiling=0.2, name="d_fpn")]
    bills = [make_bill(curve, Prices(image=1)) for curve in curves]
    table = quotes_table(rank_quotes([quote(c, b, 0.5) for c, b in zip(curves, bills)]))
    assert table[1] == ["ssd", "5,000", "4,000", "0.00", "4,000", "4,000 - 4,000", "100 %", "100 %"]
    assert table[2] == ["fpn", "not reachable", "never", "never", "never", "never", "0 %", "0 %"]
    table = purchases_table(rank_purchases([purchase(c, b, 2000) for c, b in zip(curves, bills)]))
    assert table[1:] == [["ssd", "3,000", "30.0", "30.0 - 30.0", "100 %"],
                         ["fpn", "3,000", "20.0", "20.0 - 20.0", "0 %"]]
    dear = make_bill(curves[0], Prices(gpu_hour=1), hours_per_thousand=100)
    free = make_bill(curves[0], Prices(gpu_hour=1), hours_per_thousand=0)
    assert purchases_table([purchase(curves[0], dear, 5)])[1][1:4] == ["not one training", "-", "-"]
    assert purchases_table([purchase(curves[0], free, 5)])[1][1] == "at least 1,000,000"


def test_classes_end_with_the_mean():
    classes = [lines(0.1, category="a"), lines(0.05, category="b", whole=2000)]
    mean = gains(lines(0.08), [1000])[0]
    header, first, second, last = classes_table(rank_classes(classes), mean)
    assert header[-1] == "at full data"
    assert first == ["a", "10.0", "10.0", "20.0", "20.0 - 20.0", "+10.0", "+10.0 to +10.0", "+5.00", "100 %", "-"]
    assert second[-1] == "10.0" and last[:1] + last[5:8] == ["mean, its own curve", "+8.0", "+8.0 to +8.0", "+7.50"]
    assert len(classes_table(rank_classes(classes[:1]), None)) == 2
    assert np.unique([len(row) for row in (header, first, second, last)]).size == 1
