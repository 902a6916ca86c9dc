import numpy as np
import pytest
from matplotlib.figure import Figure

from charts.axes import MARKERS, bars, round_sizes, short_size, size_axis, styles, write_caption


@pytest.mark.parametrize("low, high, ticks", [
    (90, 2500, [100, 200, 500, 1000, 2000]),
    (0.5, 20_000, [1, 10, 100, 1000, 10_000]),
])
def test_sizes_are_labelled_by_round_numbers(low, high, ticks):
    assert round_sizes(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize("images, text", [(250, "250"), (1500, "1.5k"), (2e6, "2M")])
def test_sizes_are_written_short(images, text):
    assert short_size(images) == text


def test_a_narrow_axis_has_labels_too():
    axes = Figure().add_subplot()
    size_axis(axes, 32, 48, log_x=True)
    inside = [tick for tick in axes.get_xticks() if 32 <= tick <= 48]
    assert axes.get_xscale() == "log" and len(inside) >= 2


def test_each_detector_has_a_colour_and_while_they_last_a_marker_of_its_own():
    looks = styles([*"abcdefgh", "a"])
    assert len(looks) == len(set(looks.values())) == 8
    assert {marker for _, marker in looks.values()} == set(MARKERS)
    assert styles(f"d{k}" for k in range(20))["d8"][1] == MARKERS[0]


def test_captions_are_folded_to_the_figure_and_written_as_they_are():
    figure = Figure(figsize=(4, 3), layout="constrained")
    figure.add_subplot()
    write_caption(figure, "costs $5 and $6 " * 20)
    figure.draw_without_rendering()
    text = figure._supxlabel
    assert text.get_window_extent().x1 <= figure.bbox.x1
    assert r"\$5 and \$6" in text.get_text() and text.get_text().count("\n") > 3


def test_bars_reach_to_the_ends_of_intervals_and_never_backwards():
    values = np.array([0.5, 0.0, 0.3, 0.4])
    interval = np.array([[0.4, 0.55], [0, 0.05], [0.31, 0.35], [np.nan, np.nan]])
    expected = np.array([[0.1, 0, 0, np.nan], [0.05, 0.05, 0.05, np.nan]])
    assert bars(values, interval) == pytest.approx(expected, nan_ok=True)
    assert bars(values[3:], interval[3:]) is None
