import numpy as np
import pytest

from charts.save import save_figure
from charts.vary import NAMES, Panel, vary_chart
from study.vary import AXES
from tests.charts.compared import Points, around

SIZES = np.array([100.0, 1000])


def curve(*values, sizes=SIZES, stderr=0.01):
    return Points(sizes[:len(values)], np.array(values), around(np.array(values), stderr))


PANEL = Panel("digits", {0.35: curve(0.2, 0.4), 1.0: curve(0.3, 0.6), 0.1: curve(0.1)})


def lines_of(axes):
    return {container.get_label(): container.lines[0] for container in axes.containers}


@pytest.mark.parametrize("log", [False, True])
def test_a_line_per_value_and_one_per_size_in_points(log):
    left, right = vary_chart([PANEL], "width", "AP50", "", log=log).axes
    assert {axes.get_xscale() for axes in (left, right)} == {"log" if log else "linear"}
    assert {label: line.get_xydata().tolist() for label, line in lines_of(left).items()} == {
        "0.1": [[100, 10]], "0.35": [[100, 20], [1000, 40]], "1": [[100, 30], [1000, 60]]}
    assert {label: line.get_xydata().round(9).tolist() for label, line in lines_of(right).items()} == {
        "100": [[0.1, 10], [0.35, 20], [1, 30]], "1,000": [[0.35, 40], [1, 60]]}
    assert (left.get_ylabel(), left.get_xlabel(), right.get_xlabel()) == ("AP50, points", "training images", "width")
    assert [container.lines[2][0].get_segments()[0][:, 1].tolist() for container in left.containers][0] == (
        pytest.approx([8.7184, 11.2816], abs=1e-3))


def test_lines_are_darker_the_more_there_is_and_named_from_the_largest():
    for axes, names in zip(vary_chart([PANEL], "width", "AP", "", log=True).axes, (["1", "0.35", "0.1"],
                                                                                     ["1,000", "100"])):
        light = [sum(line.get_color()) for line in lines_of(axes).values()]
        assert light == sorted(light, reverse=True) and len(set(light)) == len(light)
        assert [text.get_text() for text in axes.get_legend().get_texts()] == names


def test_every_value_is_a_tick():
    figure = vary_chart([PANEL], "width", "AP", "", log=True)
    figure.draw_without_rendering()
    assert [text.get_text() for text in figure.axes[1].get_xticklabels()] == ["0.1", "0.35", "1"]


def test_a_row_per_panel_on_one_scale_and_nothing_overlaps(tmp_path):
    street = Panel("a $ street, epochs 5", {0.1: curve(0.5, 0.8), 0.2: curve(0.6, 0.9)})
    figure = vary_chart([PANEL, street], "width", "AP", "A note. " * 30, log=False)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["digits", "", r"a \$ street, epochs 5", ""]
    ((low, high),) = {axes.get_ylim() for axes in figure.axes}
    assert low == 0 and high > 91
    figure.draw_without_rendering()
    for axes in figure.axes:
        legend = axes.get_legend().get_window_extent()
        assert not any(legend.overlaps(other.get_window_extent()) for other in figure.axes)
        assert legend.x1 <= figure.bbox.x1
    assert len(save_figure(figure, tmp_path / "vary")) == 2


def test_what_has_no_bars_has_a_chart_too():
    figure = vary_chart([Panel("x", {5: curve(0.1, 0.2, stderr=np.nan), 10: curve(0.2, stderr=np.nan)})], "vocabulary",
                        "AP", "", log=True)
    assert all(not container.lines[2] for axes in figure.axes for container in axes.containers)


def test_every_setting_that_varies_has_a_name():
    assert NAMES.keys() == {setting for settings in AXES.values() for setting in settings}
