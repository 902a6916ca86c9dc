import math

import numpy as np
import pytest

from charts.cost import CostLine, cost_chart

MEDIAN = np.linspace(0.2, 0.6, 20)


def line(name="ssd", total=400.0, cheapest=True, interval=(300.0, 800.0)):
    around = np.stack([MEDIAN - 0.05, MEDIAN + 0.05], axis=1)
    return CostLine(name, "AP", np.linspace(0, 2000, 20), MEDIAN, around, total, interval, cheapest)


def lines_of(axes):
    return {each.get_label(): each for each in axes.lines}


def test_target_budget_and_the_cheapest_way_are_marked():
    figure = cost_chart({"COCO mAP": [line(), line("fpn", 500.0, False)]}, 0.3, 450)
    (axes,) = figure.axes
    found = lines_of(axes)
    assert found["target"].get_ydata() == [30, 30] and found["budget"].get_xdata() == [450, 450]
    star = found["cheapest way to the target"]
    assert (star.get_xdata()[0], star.get_ydata()[0]) == pytest.approx((400, 30))
    assert axes.get_xlim() == pytest.approx((-22.5, 750)) and axes.get_ylabel() == "AP, points"
    assert {"ssd", "fpn"} <= set(found)


def test_totals_far_beyond_the_cheapest_are_left_outside():
    figure = cost_chart({"a": [line(total=100.0), line("fpn", 1900.0, False)]}, 0.3, None)
    assert figure.axes[0].get_xlim()[1] == pytest.approx(150)


@pytest.mark.parametrize("total, interval", [(math.inf, (math.inf, math.inf)), (math.nan, (math.nan, math.nan)),
                                             (0.0, (0.0, 0.0)), (400.0, (300.0, math.inf))])
def test_every_total_can_be_drawn(total, interval, recwarn):
    figure = cost_chart({"a": [line(total=total, interval=interval, cheapest=math.isfinite(total))]}, 0.3, None)
    figure.draw_without_rendering()
    assert not recwarn.list and figure.axes[0].get_xlim()[1] > 0


def test_legend_lies_apart(assert_legible):
    assert_legible(cost_chart({"a": [line(f"detector {n}", 400 + n, n == 0) for n in range(5)]}, 0.3, 300))


def test_a_star_at_no_cost_covers_no_label():
    figure = cost_chart({"a": [line(total=0.0, interval=(0.0, 0.0))]}, 0.3, None)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    star = lines_of(axes)["cheapest way to the target"]
    half = star.get_markersize() / 2 * figure.dpi / 72
    labels = max(label.get_window_extent().x1 for label in axes.get_yticklabels())
    assert axes.transData.transform(star.get_xydata())[0, 0] - half > labels
