import numpy as np
import pytest

from charts.prevalence import prevalence, sizes
from charts.save import save_figure


def rows_of(axes):
    return [t.get_text() for t in axes.get_yticklabels()]


def test_bars_and_dots_show_the_counts_most_boxes_on_top(a_table):
    axes = prevalence(a_table(["a", "b", "c"], [1, 50, 100], validation=True)).axes[0]
    assert rows_of(axes) == ["c", "b", "a"] and axes.yaxis.get_inverted()
    assert [bar.get_width() for bar in axes.patches] == [200, 100, 0]
    dots = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
    assert dots == {"1 %": [2, 1, 0], "50 %": [100, 50, 0], "validation": [3, 2, 1]}
    assert [text.get_text() for text in axes.texts] == ["200", "100", "0"]


@pytest.mark.parametrize(("fractions", "validation", "legend"), [
    ([100.0], False, ["100 %"]), ([2.5, 20, 100], True, ["100 %", "20 %", "2.5 %", "validation"])])
def test_the_legend_runs_from_the_largest_subset(a_table, fractions, validation, legend):
    figure = prevalence(a_table(["a", "b"], fractions, validation))
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == legend


@pytest.mark.parametrize("draw", [prevalence, sizes])
@pytest.mark.parametrize("number", [1, 3, 10, 80])
def test_labels_and_legend_do_not_overlap(a_table, classes, assert_legible, draw, number):
    fractions = [0.1, 0.2, 0.5, 1, 2.5, 5, 10, 20, 30, 50, 75, 100]
    assert_legible(draw(a_table(classes(number), fractions, validation=True)))


def test_numbers_stand_clear_of_bars_and_legend(a_table):
    figure = prevalence(a_table([f"class {k}" for k in range(30)], [1, 100_000], validation=True))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    for text, bar in zip(axes.texts, axes.patches):
        extent = text.get_window_extent()
        assert bar.get_window_extent().x1 < extent.x0 and extent.x1 < axes.get_window_extent().x1


@pytest.mark.parametrize("draw", [prevalence, sizes])
def test_odd_names_are_written_as_they_are(a_table, classes, tmp_path, draw):
    table = a_table(classes(5), [10, 100], validation=True)
    first, second = (save_figure(draw(table), tmp_path / name) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert rows_of(draw(table).axes[0])[-1] == r"\$a\$ costs \$ of _{x}"  # a dollar sign alone would begin a formula


def test_sizes_are_shares_that_fill_the_bar(a_table):
    axes = sizes(a_table(["none", "few", "many"], [4, 100])).axes[0]
    bars = np.array([[bar.get_x(), bar.get_width()] for bar in axes.patches]).reshape(3, 3, 2)  # size, class
    assert rows_of(axes) == ["many", "few", "none"]
    assert bars[:, 0, 1].tolist() == [25, 25, 50] and bars[:, 0, 0].tolist() == [0, 25, 50]
    assert bars[:, 2, 1].tolist() == [0, 0, 0]
    assert [t.get_text() for t in axes.texts] == ["no box"]
