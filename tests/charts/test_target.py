import math

import numpy as np
import pytest

from charts.target import Reach, target_chart

IMAGES = np.geomspace(100, 10_000, 50)


def reach(name="ssd", ever=1.0, median=1000.0, measured=math.nan, forecast=True):
    return Reach(name, IMAGES, ever * (IMAGES > 1000), median, ever, measured, forecast)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_a_line_per_curve_with_its_median_and_its_end():
    figure = target_chart({"Images for 40": [reach(), reach("fpn", 0.3, math.inf)]})
    (axes,) = figure.axes
    assert [line.get_ydata()[-1] for line in axes.lines if len(line.get_ydata()) > 1] == pytest.approx([100, 30])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ssd", "fpn"]
    assert texts(axes) == ["1k", "30 % ever"]
    assert axes.get_title(loc="left") == "Images for 40" and axes.get_xscale() == "log"


def test_what_was_measured_is_a_diamond_and_needs_no_line():
    figure = target_chart({"a": [reach(measured=2000.0, forecast=False)], "b": [reach()]})
    one, other = figure.axes
    (diamond,) = one.lines
    assert (diamond.get_marker(), diamond.get_xdata()[0]) == ("D", 2000) and texts(one) == ["2k"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ssd"]


def test_what_is_written_at_the_ends_does_not_overlap():
    figure = target_chart({"a": [reach(str(n), 0.3 + n / 1000, math.inf) for n in range(4)]})
    heights = sorted(text.xy[1] for text in figure.axes[0].texts)
    assert len(heights) == 4 and min(np.diff(heights)) >= 6 - 1e-9


def test_legend_and_caption_are_inside_and_apart(assert_legible):
    assert_legible(target_chart({"a": [reach(f"a long name of a detector {n}") for n in range(6)]}))


def test_of_many_curves_numbers_are_left_to_the_table_and_each_has_one_entry():
    reaches = [reach(f"d{n}", 0.5 + n / 100, measured=2000.0) for n in range(10)]
    figure = target_chart({"a": reaches, "b": reaches})
    assert [texts(axes) for axes in figure.axes] == [[], []]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [f"d{n}" for n in range(10)]
    assert "Ever" not in figure._supxlabel.get_text()


@pytest.mark.parametrize("count", [2, 7])
def test_diamonds_at_one_size_are_all_seen(count):
    (axes,) = target_chart({"a": [reach(f"d{n}", measured=2000.0 + n, forecast=False) for n in range(count)]}).axes
    heights = sorted(line.get_ydata()[0] for line in axes.lines)
    assert min(np.diff(heights)) >= 6 and heights[0] > 100 and axes.get_ylim()[1] > heights[-1]
