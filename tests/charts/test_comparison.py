import numpy as np
import pytest

from charts.comparison import MANY, class_chart, comparison_chart
from tests.charts.compared import Curve

TWO = [Curve(detector=name) for name in ("ssd", "fpn")]


def lines_of(axes, marker):
    return [line for line in axes.lines if line.get_marker() == marker and line.get_linestyle() == "-"]


def caption(figure):
    return " ".join(figure._supxlabel.get_text().split())


def panels_of(figure):
    return [axes for axes in figure.axes if axes.get_title(loc="left")]


@pytest.mark.parametrize("log_x", [False, True])
def test_a_panel_per_data_set_and_a_line_per_detector_in_points(log_x):
    figure = comparison_chart([*TWO, Curve(dataset="street")], "80 % bars: none.", log_x=log_x)
    digits, street = panels_of(figure)
    assert (digits.get_title(loc="left"), street.get_title(loc="left")) == ("digits", "street")
    assert digits.get_xscale() == ("log" if log_x else "linear")
    (ssd,), (fpn,) = lines_of(digits, "o"), lines_of(digits, "s")
    assert ssd.get_xydata() == pytest.approx(np.c_[[100, 1000, 10_000], [20, 30, 40]])
    assert ssd.get_color() == lines_of(street, "o")[0].get_color() != fpn.get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ssd", "fpn"]
    assert digits.get_ylabel() == "AP, points" and caption(figure) == "80 % bars: none."


def test_bars_hold_80_per_cent_and_are_left_out_where_unknown():
    figure = comparison_chart([Curve(), Curve(dataset="street", stderr=np.nan)], "", log_x=True)
    known, unknown = (axes.containers[0].lines[2] for axes in panels_of(figure))
    assert [np.ptp(segment[:, 1]) for segment in known[0].get_segments()] == pytest.approx([2.5631] * 3, rel=1e-4)
    assert unknown == ()


def test_class_panels_are_as_high_as_their_bars():
    curves = classes(3)
    assert class_chart(curves, "").axes[0].get_ylim()[1] < 100
    curves[0].observed.interval_80 = np.array([[0, 0.05], [0.1, 0.2], [np.nan] * 2])
    curves[1].observed.interval_80 = np.array([[0, 0.05], [0.1, 1], [np.nan] * 2])
    assert class_chart(curves, "").axes[0].get_ylim()[1] == pytest.approx(104)


def test_detectors_keep_their_look_where_others_are_missing():
    for name, marker in (("ssd", "s"), ("fpn", "o")):
        figure = comparison_chart([Curve(detector=name)], "", ["fpn", "ssd"], log_x=True)
        assert lines_of(figure.axes[0], marker)
    assert lines_of(class_chart([Curve(category="one")], "", ["fpn", "ssd"]).axes[0], "s")


def test_repeated_runs_are_dots():
    figure = comparison_chart([Curve(runs=(0.1, 0.2, 0.3))], "Bars.", log_x=False)
    (dots,) = [line for line in figure.axes[0].lines if line.get_linestyle() == "None" and len(line.get_xdata()) == 3
               and line.get_alpha()]
    assert dots.get_xydata() == pytest.approx(np.c_[[100] * 3, [10, 20, 30]])
    assert caption(figure) == "Bars. Faint dots are single runs."


@pytest.mark.parametrize("log_x", [False, True])
def test_the_second_axis_reads_per_cent_of_the_whole(log_x):
    figure = comparison_chart(TWO, "", log_x=log_x)
    figure.draw_without_rendering()
    (top,) = panels_of(figure)[0].child_axes
    axes = panels_of(figure)[0]
    assert top.transData.transform((50, 0))[0] == pytest.approx(axes.transData.transform((5000, 0))[0], abs=0.1)
    assert "100 %" in [label.get_text() for label in top.get_xticklabels()]


def test_data_sets_of_unlike_size_have_no_per_cent():
    figure = comparison_chart([Curve(), Curve(detector="fpn", sizes=(50, 500, 5000))], "", log_x=False)
    assert not panels_of(figure)[0].child_axes


def classes(number, **labels):
    return [Curve(category=f"class {k:03d}", means=(0.1, 0.2, 0.2 + 0.7 * k / number), **labels) for k in range(number)]


@pytest.mark.parametrize("number, columns", [(3, 3), (20, 5), (80, 8)])
def test_classes_come_best_first_with_the_same_axes(number, columns):
    figure = class_chart([*classes(number), *classes(number, detector="fpn")], "Bars.")
    panels = panels_of(figure)
    assert [axes.get_title(loc="left") for axes in panels] == [f"class {k:03d}" for k in reversed(range(number))]
    assert all(len(axes.containers) == 2 for axes in panels)
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in panels}) == 1
    assert panels[0].get_ylim()[1] >= 100 * max(c.observed.values[-1] for c in classes(number))
    assert len({axes.get_subplotspec().colspan.start for axes in panels}) == columns
    assert panels[0].get_title(loc="right") == f"{20 + 70 * (number - 1) / number:.0f}"


def test_titles_and_axis_labels_do_not_touch():
    figure = class_chart([Curve(category="a rather long name of a class " * 3 + str(k)) for k in range(24)], "Bars.")
    figure.draw_without_rendering()
    for axes in panels_of(figure):
        assert axes._left_title.get_window_extent().x1 < axes._right_title.get_window_extent().x0
        labels = [t.get_window_extent() for t in axes.get_xticklabels() if t.get_text() and t.get_visible()]
        assert not any(one.overlaps(other) for one, other in zip(labels, labels[1:]))


def test_of_very_many_classes_every_so_many_is_drawn_and_said():
    figure = class_chart(classes(2 * MANY + 10), "Bars.")
    assert len(panels_of(figure)) == (2 * MANY + 10 + 2) // 3
    assert f"Every 3. of {2 * MANY + 10} classes" in caption(figure)
