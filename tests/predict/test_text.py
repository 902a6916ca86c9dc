import math

from predict.backtest import make_forecasts
from predict.tables import PUBLISHED_2019, read_curves
from predict.text import backtest_table, format_table, needs_table, outlook_table, points, signed


def test_numbers_are_points_and_unknown_ones_dashes():
    assert (points(0.3579), signed(0.012), signed(-0.012)) == ("35.8", "+1.2", "-1.2")
    assert signed(-0.0001) == "+0.0"
    assert points(math.nan) == signed(math.nan) == "-"


def test_backtest_table_has_the_largest_size_of_each_curve_and_their_mean_error():
    header, *rows, mean = backtest_table(make_forecasts(read_curves(PUBLISHED_2019), 5))
    assert header[:7] == ["curve", "fitted on", "images", "forecast", "80 % interval", "truth", "error"]
    assert [row[5] for row in rows] == ["20.6", "36.4", "35.8", "43.9"]
    assert all(row[2] == "118,287" and row[1] == "3 sizes" for row in rows)
    assert mean[0] == "mean |error|" and mean[7] == "1.5"


def test_outlook_and_needs():
    curves = read_curves(PUBLISHED_2019)[:1]
    asked = [f for f in make_forecasts(curves, 20, [150_000, 300_000]) if f.fit_up_to == 100]
    assert [row[1] for row in outlook_table(asked)[1:]] == ["150,000", "300,000"]
    assert needs_table([(curves[0], (5000.0, math.inf, math.inf))])[1][1:] == ["out of reach", "5,000 - out of reach"]


def test_columns_line_up():
    assert format_table([["a", "long"], ["name", "1"]]) == "a     long\nname     1"
