import pytest

from engine.until import Until, width_of
from predict.backtest import Forecast
from study.matrix import Cell

NARROW, WIDE = Cell(50.0, "coco", "small"), Cell(50.0, "coco", "large")


def _forecast(detector: str, low: float, high: float, recipe: str = "scaled") -> Forecast:
    return Forecast(f"coco {detector}", "coco", detector, recipe, "", "AP", "model", 100, 3, 1e5, (low + high) / 2,
                    {50: (low, high), 80: (low, high), 95: (low, high)}, float("nan"), float("nan"), "")


def test_the_width_is_in_points():
    assert width_of(_forecast("small", 0.30, 0.33)) == pytest.approx(3)


def test_without_rules_every_cell_is_wanted():
    until = Until()
    until.learn([_forecast("small", 0.3, 0.3)])
    assert until.wants(NARROW) and until.verdict(0) == ""


def test_a_curve_ends_once_its_forecast_is_narrow_and_the_others_go_on():
    until = Until(width=3)
    assert until.wants(NARROW)
    until.learn([_forecast("small", 0.30, 0.325), _forecast("large", 0.30, 0.335)])
    searched = Cell(50.0, "coco", "small", searched=True)
    assert not until.wants(NARROW) and until.wants(WIDE) and until.wants(searched)
    until.learn([_forecast("small", 0.30, 0.34), _forecast("small", 0.30, 0.31, "scaled searched")])
    assert until.wants(NARROW) and not until.wants(searched)
    assert until.verdict(2) == "2 runs not needed or not begun: 1 forecast of 3 points or less\n"


@pytest.mark.parametrize(("hours", "seconds", "wanted"), [(1, 3000, True), (1, 4000, False), (1, 0, True)])
def test_nothing_begins_that_would_end_after_the_budget(hours, seconds, wanted):
    until = Until(hours=hours, seconds_of=lambda cell: seconds)
    assert until.wants(NARROW) == wanted
    assert until.verdict(1 - wanted) == ("" if wanted else
                                         "1 run not needed or not begun: the limit of 1 hours\n")
