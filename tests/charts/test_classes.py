import pytest

from charts.classes import ClassRow, class_gain_chart


def chart(names):
    rows = [ClassRow(name, 0.31, 0.3, 0.4, 0.35, 0.45, 0.1) for name in names]
    return class_gain_chart(rows, "digits ssd AP", "AP", "for 100 images more")


def test_a_row_has_what_is_measured_now_and_forecast():
    axes = chart(["cat"]).axes[0]
    places = {line.get_marker(): line.get_xdata()[0] for line in axes.lines if line.get_marker() != "None"}
    assert places["|"] == pytest.approx(31)
    assert [line.get_xdata().tolist() for line in axes.lines[:2]] == [[35, 45], [30, 40]]
    assert [text.get_text() for text in axes.texts] == ["+10.0"] and axes.get_xlabel() == "AP, points"


@pytest.mark.parametrize("number", [1, 5, 80])
def test_classes_are_legible_in_their_order(number, classes, assert_legible):
    figure = chart(classes(number))
    assert len(figure.axes[0].get_yticklabels()) == number
    assert_legible(figure)
