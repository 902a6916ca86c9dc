import numpy as np
import pytest

from charts.collage import collage

GREY = np.full((60, 80, 3), 128, np.uint8)
BOX = np.array([[10, 20, 30, 15.5]])


@pytest.mark.parametrize(("number", "cells"), [(0, 1), (1, 1), (4, 4), (5, 8)])
def test_every_image_has_a_cell(number, cells):
    figure = collage([GREY] * number, [BOX] * number, [["dog"]] * number)
    assert len(figure.axes) == cells
    assert sum(len(axes.images) for axes in figure.axes) == number


def test_boxes_lie_where_they_should_with_their_labels():
    axes = collage([GREY], [BOX], [["dog"]]).axes[0]
    assert axes.patches[0].get_bbox().bounds == (9.5, 19.5, 30, 15.5)  # a pixel's centre is at a whole number
    assert [t.get_text() for t in axes.texts] == ["dog"]


def test_scores_follow_the_labels():
    axes = collage([GREY], [np.vstack([BOX, BOX])], [["dog", "cat"]], [[0.987, 0.5]]).axes[0]
    assert [t.get_text() for t in axes.texts] == ["dog 0.99", "cat 0.50"]


def test_a_class_has_one_colour_in_every_image():
    figure = collage([GREY] * 2, [np.vstack([BOX, BOX])] * 2, [["dog", "cat"], ["cat", "dog"]])
    (a, b), (c, d) = ([p.get_edgecolor() for p in axes.patches] for axes in figure.axes)
    assert a == d and b == c and a != b


@pytest.mark.parametrize("box", [[0, 0, 20, 20], [70, 0, 10, 60], [60, 50, 20, 10], [76, 30, 4, 10]])
def test_labels_stay_inside_the_image(box):
    figure = collage([GREY], [np.array([box])], [["bicycle"]])
    figure.draw_without_rendering()
    axes = figure.axes[0]
    text, image = axes.texts[0].get_window_extent(), axes.get_window_extent()
    assert image.x0 - 2 <= text.x0 and text.x1 <= image.x1 + 2
    assert image.y0 - 2 <= text.y0 and text.y1 <= image.y1 + 2
