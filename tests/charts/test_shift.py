import math

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from charts.save import save_figure
from charts.shift import EQUAL, LESS, MORE, shift_chart
from datasets.prevalence.shift import shift


def shifts(*rows):
    """Return a table of `shift` with classes a, b, ... of the given (ratio, low, high)."""
    known = [(chr(97 + k), 0 if math.isinf(r) else 0.1, 0 if r == 0 else 0.1, r, *ends)
             for k, (r, *ends) in enumerate(rows)]
    return pd.DataFrame(known, columns=["class", "train", "validation", "ratio", "low", "high"])


def drawn(figure):
    """Return each row's class, interval, ratio, marker and colour."""
    axes = figure.axes[0]
    names = [t.get_text() for t in axes.get_yticklabels()]
    lines = axes.lines[1:]  # after the one at 1
    return [(name, tuple(round(x, 2) for x in line.get_xdata()), round(point.get_xdata()[0], 2), point.get_marker(),
             to_hex(point.get_color())) for name, line, point in zip(names, lines[::2], lines[1::2])]


def test_ratios_are_sorted_with_their_intervals_and_the_strange_ones_in_colour():
    figure = shift_chart(shifts((1.1, 0.8, 1.5), (0.5, 0.4, 0.6), (1.8, 1.4, 2.3)))
    assert drawn(figure) == [("c", (1.4, 2.3), 1.8, "o", MORE), ("a", (0.8, 1.5), 1.1, "o", EQUAL),
                             ("b", (0.4, 0.6), 0.5, "o", LESS)]
    assert figure.axes[0].get_xscale() == "log" and figure.axes[0].get_xlim() == pytest.approx((1 / 3, 3))


def test_classes_that_a_split_lacks_are_arrows_with_words():
    figure = shift_chart(shifts((math.inf, 1.2, math.inf), (1, 0.9, 1.1), (0, 0, 0.7)))
    first, _, last = drawn(figure)
    assert first[2:] == (2, ">", MORE) and last[2:] == (0.5, "<", LESS)
    assert first[1] == (1.2, 2) and last[1] == (0.5, 0.7)
    assert [t.get_text() for t in figure.axes[0].texts] == ["none in training", "none in validation"]


def test_a_class_that_both_lack_has_no_row():
    assert [row[0] for row in drawn(shift_chart(shifts((1, 0.9, 1.1), (math.nan, 0, math.inf))))] == ["a"]


def test_words_stay_inside_however_wide_the_interval():
    figure = shift_chart(shifts((0, 0, 4.9), (math.inf, 0.2, math.inf), (1, 0.9, 1.1)))
    figure.draw_without_rendering()
    frame = figure.axes[0].get_window_extent()
    assert all(frame.x0 <= t.get_window_extent().x0 and t.get_window_extent().x1 <= frame.x1
               for t in figure.axes[0].texts)


def test_ratios_far_away_end_the_axis():
    figure = shift_chart(shifts((1000, 200, 5000), (1, 0.5, 2)))
    assert drawn(figure)[0][2:] == (100, ">", MORE)
    assert shift_chart(shifts((1, 0.001, 90))).axes[0].get_xlim()[1] == pytest.approx(10)


def test_nothing_to_compare_is_an_empty_chart(tmp_path):
    figure = shift_chart(shifts((math.nan, 0, math.inf)))
    assert drawn(figure) == []
    save_figure(figure, tmp_path / "empty")


@pytest.fixture
def compared(a_table, classes):
    """Return a function that compares so many classes with odd names."""
    return lambda number: shift(a_table(classes(number), validation=True).assign(images=lambda t: t["boxes"] % 100))


@pytest.mark.parametrize("number", [1, 10, 80])
def test_labels_do_not_overlap(compared, assert_legible, number):
    figure = shift_chart(compared(number))
    assert_legible(figure)
    ticks = [t.get_window_extent() for t in figure.axes[0].get_xticklabels()]
    assert not any(one.overlaps(other) for one, other in zip(ticks, ticks[1:]))


def test_pictures_are_the_same_bytes_every_time(compared, tmp_path):
    first, second = (save_figure(shift_chart(compared(10)), tmp_path / name) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
