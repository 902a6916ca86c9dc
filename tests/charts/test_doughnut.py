import warnings

import pytest

from charts.doughnut import SLICES, doughnut
from charts.save import save_figure


def legend(figure):
    return [t.get_text().replace("\u2007", "").replace("\u2008", "") for t in figure.legends[0].get_texts()]


def spans(figure):
    return [round((wedge.theta2 - wedge.theta1) / 3.6) for wedge in figure.axes[0].patches]


def test_slices_and_legend_run_from_the_most_frequent_class(a_table):
    figure = doughnut(a_table(["a", "b", "c", "d"], [1, 50], validation=True))
    assert legend(figure) == ["150  d", "100  c", "50  b", "0  a"] and spans(figure) == [50, 33, 17, 0]
    assert [t.get_text() for t in figure.axes[0].texts if t.get_text()] == ["50 %", "33 %", "17 %", "300\nboxes"]


def test_the_tail_of_many_classes_is_one_slice(a_table, classes):
    figure = doughnut(a_table(classes(80)))
    assert len(legend(figure)) == SLICES and legend(figure)[-1] == f"{100 * sum(range(65)):,}  65 others"
    assert len({wedge.get_facecolor() for wedge in figure.axes[0].patches}) == SLICES


def test_as_many_classes_as_slices_are_all_named(a_table):
    assert not any("others" in line for line in legend(doughnut(a_table([f"c{k}" for k in range(SLICES)]))))


@pytest.mark.parametrize("number", [1, 3, 10, 80])
def test_the_legend_lies_beside_the_ring(a_table, classes, assert_legible, number):
    assert_legible(doughnut(a_table(classes(number)[::-1])))


def test_the_shares_lie_on_their_slices(a_table):
    figure = doughnut(a_table([f"c{k}" for k in range(12)]))
    figure.draw_without_rendering()
    shares = [t.get_window_extent() for t in figure.axes[0].texts if "%" in t.get_text()]
    assert len(shares) > 5
    assert not any(a.overlaps(b) for i, a in enumerate(shares) for b in shares[i + 1:])


@pytest.mark.parametrize("number", [1, 2])
def test_no_box_at_all_is_an_empty_ring(a_table, tmp_path, number):
    table = a_table(["a", "b"][:number])
    table["boxes"] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = doughnut(table)
        save_figure(figure, tmp_path / "ring")
    assert spans(figure) == [0] * number and "0\nboxes" in [t.get_text() for t in figure.axes[0].texts]


def test_pictures_are_the_same_bytes_every_time(a_table, classes, tmp_path):
    first, second = (save_figure(doughnut(a_table(classes(20))), tmp_path / name) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
