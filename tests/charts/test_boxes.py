"""Labels lie by their boxes, inside the picture and on no other label."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from charts.boxes import CROWDED, draw_boxes, write_labels
from charts.colours import palette

NAMES = ["cat", "bicycle", "traffic light"]
COLOURS = dict(zip(NAMES, palette(3)))


def drawn(boxes, names):
    figure = Figure(figsize=(2.4, 1.8), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(np.full((60, 80, 3), 128, np.uint8))
    axes.set_axis_off()
    draw_boxes(axes, boxes, names, COLOURS)
    figure.draw_without_rendering()
    write_labels(axes, boxes, names, names, COLOURS)
    figure.draw_without_rendering()
    return axes


def extents(axes):
    """Return the labels' coloured patches, in pixels of the screen."""
    return [text.get_bbox_patch().get_window_extent() for text in axes.texts]


boxes_in_a_picture = st.lists(st.tuples(st.floats(-5, 75), st.floats(-5, 55), st.floats(1, 60), st.floats(1, 50),
                                        st.sampled_from(NAMES)), min_size=1, max_size=25)


@settings(deadline=None, max_examples=30)
@given(boxes_in_a_picture)
def test_no_label_lies_on_another_or_outside(rows):
    axes = drawn([row[:4] for row in rows], [row[4] for row in rows])
    frame, labels = axes.get_window_extent(), extents(axes)
    assert labels
    for i, one in enumerate(labels):
        assert frame.x0 - 1 <= one.x0 and one.x1 <= frame.x1 + 1 and frame.y0 - 1 <= one.y0 and one.y1 <= frame.y1 + 1
        for other in labels[i + 1:]:
            both = min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0)
            assert min(both) < 1  # they may touch


@pytest.mark.parametrize("box", [[0, 0, 20, 20], [70, 0, 10, 60], [60, 50, 20, 10], [76, 30, 4, 10], [-9, -9, 30, 30],
                                 [70, 20, 40, 20]])
def test_a_box_at_the_edge_has_a_label_by_it(box):
    axes = drawn([box], ["bicycle"])
    (label,), (x, y, width, height) = extents(axes), box
    (left, bottom), (right, top) = axes.transData.transform(np.array([(x, y + height), (x + width, y)]) - 0.5)
    assert label.x0 - 2 <= right and left <= label.x1 + 2 and label.y0 - 2 <= top and bottom <= label.y1 + 2


def test_each_class_of_a_crowd_is_named():
    boxes = [[5 + k % 4, 25 + k % 3, 60, 20] for k in range(30)] + [[10, 30, 8, 8]]
    axes = drawn(boxes, ["cat"] * 30 + ["bicycle"])
    texts = [text.get_text() for text in axes.texts]
    assert "bicycle" in texts and 0 < texts.count("cat") < 30 and len(axes.patches) == 2 * 31


def test_crowds_have_thinner_lines():
    widths = [drawn([[9, 9, 9, 9]] * n, ["cat"] * n).patches[1].get_linewidth() for n in (CROWDED - 1, CROWDED)]
    assert widths[0] > widths[1]


def test_lines_have_the_style_of_their_class_over_a_solid_outline():
    axes = Figure().add_subplot()
    draw_boxes(axes, [[1, 1, 5, 5], [2, 2, 5, 5]], ["cat", "bicycle"], COLOURS, {"bicycle": "--"}, line=3)
    assert [(p.get_linestyle(), p.get_linewidth()) for p in axes.patches] == [
        ("-", 3.9), ("-", 3), ("-", 3.9), ("--", 3)]


def test_a_box_without_a_text_has_no_label():
    axes = drawn([[5, 5, 20, 20], [40, 30, 20, 20]], ["cat", "cat"])
    write_labels(axes, [[5, 5, 20, 20], [40, 30, 20, 20]], ["cat", "bicycle"], ["", "one"], COLOURS)
    assert [text.get_text() for text in axes.texts] == ["cat", "cat", "one"]
