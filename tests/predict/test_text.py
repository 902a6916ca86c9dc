import math
from dataclasses import replace

import numpy as np

from predict.backtest import make_forecasts
from predict.tables import PER_CENT, PUBLISHED_2019, read_curves
from predict.text import backtest_table, counted, format_table, outlook_table, points, signed, size


def test_numbers_are_points_and_unknown_ones_dashes():
    assert (points(0.3579), signed(0.012), signed(-0.012)) == ("35.8", "+1.2", "-1.2")
    assert signed(-0.0001) == "+0.0"
    assert points(math.nan) == signed(math.nan) == "-"


def test_backtest_table_has_the_largest_size_of_each_curve_and_their_mean_error():
    header, *rows, mean = backtest_table(make_forecasts(read_curves(PUBLISHED_2019), 5))
    assert header[:7] == ["curve", "sizes", "images", "forecast", "80 % interval", "truth", "error"]
    assert [row[5] for row in rows] == ["20.6", "36.4", "35.8", "43.9"]
    assert all(row[2] == "118,287" and row[1] == "3" for row in rows)
    assert mean[0] == "mean |error|" and mean[7] == "1.5"


def test_outlook():
    curves = read_curves(PUBLISHED_2019)[:1]
    asked = [f for f in make_forecasts(curves, 20, [150_000, 300_000]) if f.fit_up_to == 100]
    assert [row[1] for row in outlook_table(asked)[1:]] == ["150,000", "300,000"]


def test_the_mean_error_is_of_curves_whose_truth_is_known():
    curves = read_curves(PUBLISHED_2019)
    early = [replace(c, images=c.images[:3], values=c.values[:3], stderr=c.stderr[:3], interval_80=c.interval_80[:3],
                     boxes=c.boxes[:3], seconds=c.seconds[:3]) for c in curves]
    table = backtest_table(make_forecasts([*curves[:2], early[2]], 5))
    assert [row[0] for row in table[1:]] == [*(c.name for c in curves[:3]), "mean |error|"] and table[3][6] == "-"
    assert table[4][6] == f"{np.mean([abs(float(row[6])) for row in table[1:3]]):.1f}"
    assert len(backtest_table(make_forecasts(early, 5))) == 5


def test_sizes_are_images_or_per_cent():
    assert (size(118287), size(2.5, PER_CENT), size(1500, PER_CENT)) == ("118,287", "2.5", "1,500")
    forecasts = make_forecasts(read_curves(PUBLISHED_2019)[:1], 5)
    assert backtest_table(forecasts, PER_CENT)[0][2] == "per cent"


def test_columns_line_up_and_empty_ones_go():
    assert format_table([["a", "long"], ["name", "1"]]) == "a     long\nname     1"
    assert format_table([["a", "b", "c", "d"], ["", "-", "1", ""], ["", "", "-", "2"]]) == "a  c  d\n   1\n   -  2"


def test_things_are_counted_as_people_say():
    assert (counted(1, "forecast"), counted(2, "forecast")) == ("1 forecast", "2 forecasts")
    assert (counted(1, "prefix", "prefixes"), counted(0, "prefix", "prefixes")) == ("1 prefix", "0 prefixes")
