import math

import numpy as np
import pytest

from charts.power_law import power_law_chart
from tests.charts.compared import Beta, Errors, Law

LAW = Law(1.5, Beta(0.1, 0.05, 0.15))


def panels_of(figure):
    return [axes for axes in figure.axes if axes.get_title(loc="left")]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_points_and_lines_on_logarithmic_axes_with_the_exponent():
    figure = power_law_chart([(Errors(), LAW), (Errors(detector="fpn"), LAW)], "Lines.")
    (axes,) = panels_of(figure)
    assert (axes.get_xscale(), axes.get_yscale(), axes.get_ylabel()) == ("log", "log", "1 - AP")
    line = next(line for line in axes.lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 2)
    assert line.get_xydata() == pytest.approx(np.c_[[100, 10_000], 1.5 * np.array([100, 10_000]) ** -0.1])
    assert legend(axes) == ["ssd: β = 0.100 (0.050 to 0.150)", "fpn: β = 0.100 (0.050 to 0.150)"]
    low, high = axes.containers[0].lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((0.8 - 1.2816 * 0.02, 0.8 + 1.2816 * 0.02))


@pytest.mark.parametrize("law, said", [
    (None, "ssd: one size, no exponent"),
    (Law(1, Beta(0.1, math.nan, math.nan)), "ssd: β = 0.100 (no interval)"),
])
def test_what_there_is_not_is_said(law, said):
    assert legend(panels_of(power_law_chart([(Errors(), law)], ""))[0]) == [said]


def test_bars_that_reach_zero_stay_on_the_axis():
    figure = power_law_chart([(Errors(interval_80=np.array([[-0.3, 1]] * 3)), LAW)], "")
    lows = [segment[:, 1].min() for segment in panels_of(figure)[0].containers[0].lines[2][0].get_segments()]
    assert min(lows) > 0


def test_a_row_per_data_set_and_equal_exponents_are_equal_slopes():
    small = Errors("digits", images=np.array([10.0, 20, 30]))
    wide = Errors("street", values=np.array([0.9, 0.3, 0.1]), interval_80=np.full((3, 2), np.nan))
    losses = [Errors(name, quantity="loss", values=np.array([9.0, 7, 6]), interval_80=np.full((3, 2), np.nan))
              for name in ("digits", "street")]
    figure = power_law_chart([(e, LAW) for e in (small, wide, *losses)], "")
    panels = {(axes.get_title(loc="left"), axes.get_ylabel()): axes for axes in panels_of(figure)}
    assert len(panels) == 4
    one, other = panels["digits", "1 - AP"], panels["street", "1 - AP"]
    for limits in ("get_xlim", "get_ylim"):
        spans = [np.ptp(np.log(getattr(axes, limits)())) for axes in (one, other)]
        assert spans[0] == pytest.approx(spans[1])
    assert one.get_subplotspec().rowspan == panels["digits", "validation loss"].get_subplotspec().rowspan


def test_a_data_set_without_a_loss_leaves_its_place_empty():
    figure = power_law_chart([(Errors("digits", quantity="loss"), LAW), (Errors("digits"), LAW),
                              (Errors("street"), LAW)], "")
    assert len(panels_of(figure)) == 3


def test_nothing_to_draw_is_a_caption_alone():
    nothing = Errors(images=np.array([]), values=np.array([]), interval_80=np.empty((0, 2)))
    figure = power_law_chart([(nothing, None)], "Nothing.")
    figure.draw_without_rendering()
    assert not figure.axes and figure._supxlabel.get_text() == "Nothing."


def ticks(axes):
    low, high = axes.get_ylim()
    return [round(tick, 9) for tick in axes.get_yticks() if low <= tick <= high]


@pytest.mark.parametrize("values, quantity, most", [
    ([0.79, 0.48, 0.23], "1 - AP50", 1), ([0.83, 0.7, 0.56], "1 - AP", 1), ([9.2, 5.8, 3.4], "loss", 10),
    ([0.9, 0.3, 0.005], "1 - AP", 1), ([0.951, 0.95, 0.949], "1 - AP", 1), ([90, 30, 12], "loss", 100),
])
def test_errors_are_labelled_all_over_the_axis(values, quantity, most):
    nothing = np.full((3, 2), np.nan)
    (axes,) = panels_of(power_law_chart([(Errors(quantity=quantity, values=np.array(values), interval_80=nothing),
                                          LAW)], ""))
    low, high = np.log(axes.get_ylim())
    assert len(ticks(axes)) >= 3
    assert np.diff([low, *np.log(ticks(axes)), high]).max() < 0.45 * (high - low)
    assert max(ticks(axes)) <= most


def test_no_axis_of_errors_goes_beyond_1_where_panels_share_the_ratio_of_its_ends():
    steep, flat = Errors(values=np.array([0.8, 0.4, 0.2])), Errors("street", values=np.array([0.95, 0.9, 0.85]))
    one, other = panels_of(power_law_chart([(steep, LAW), (flat, LAW)], ""))
    assert max(one.get_ylim()[1], other.get_ylim()[1]) <= 1 + 1e-9
    assert np.ptp(np.log(one.get_ylim())) == pytest.approx(np.ptp(np.log(other.get_ylim())))


def test_errors_that_are_alike_share_panels_and_each_detector_its_look():
    fits = [(Errors(quantity="1 - mAP", detector="fpn"), LAW), (Errors(), LAW),
            (Errors("street", quantity="1 - mAP"), LAW)]
    one, other = panels_of(power_law_chart(fits, "", ["ssd"], {"1 - mAP": "1 - AP"}))
    assert (one.get_ylabel(), other.get_ylabel()) == ("1 - mAP or 1 - AP", "1 - mAP")
    assert [axes.containers[0].lines[0].get_marker() for axes in (one, other)] == ["s", "o"]


def test_points_without_intervals_have_no_bars():
    errors = Errors(interval_80=np.array([[0.7, 0.9], [np.nan] * 2, [np.nan] * 2]))
    (axes,) = panels_of(power_law_chart([(errors, LAW)], ""))
    (drawn,) = [segment for segment in axes.containers[0].lines[2][0].get_segments() if len(segment)]
    assert drawn[:, 1] == pytest.approx([0.7, 0.9])


def test_no_exponent_is_minus_nought():
    law = Law(1, Beta(-0.0001, -0.0002, 0.0002))
    assert legend(panels_of(power_law_chart([(Errors(), law)], ""))[0]) == ["ssd: β = 0.000 (0.000 to 0.000)"]


@pytest.mark.parametrize("value", [0.6, 0.7, 1e-4])
def test_errors_that_never_change_have_an_axis(value, recwarn):
    errors = Errors(values=np.full(3, value), interval_80=np.full((3, 2), np.nan))
    (axes,) = panels_of(power_law_chart([(errors, Law(value, Beta(1e-17, 0, 0)))], ""))
    assert not recwarn.list and np.ptp(np.log(axes.get_ylim())) > 0.09


@pytest.mark.parametrize("count", [1, 12])
def test_a_legend_of_any_length_lies_below_the_axis_label(count, assert_legible):
    figure = power_law_chart([(Errors(detector=f"d{n}"), LAW) for n in range(count)], "Lines.")
    assert_legible(figure)
    (axes,) = panels_of(figure)
    assert axes.get_legend().get_window_extent().y1 < axes.xaxis.label.get_window_extent().y0
    assert axes.get_window_extent().height > 2.2 * figure.dpi
