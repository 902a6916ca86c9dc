"""The grid shows every image twice, and each box where it is."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from charts.detections import detection_grid

BOXES = np.array([[5, 6, 20, 10], [30, 2, 8, 30]], float)


def make_grid(count, **settings):
    images = [np.zeros((40, 50, 3), np.uint8)] * count
    return detection_grid(images, [BOXES] * count, [["cat", "dog"]] * count, [BOXES + 1] * count,
                          [["dog", "cat"]] * count, [[0.9, 0.2]] * count, **settings)


def outlines(axes):
    """Return the drawn boxes [x, y, width, height] with their colours; each is drawn over a black outline."""
    patches = [p for p in axes.patches if isinstance(p, Rectangle)][1::2]
    return [(*p.get_xy(), p.get_width(), p.get_height()) for p in patches], [p.get_edgecolor()[:3] for p in patches]


@pytest.mark.parametrize("count", [1, 3, 5])
def test_each_image_has_two_panels(count):
    assert len(make_grid(count).axes) == 2 * count


def test_boxes_are_where_they_belong_and_weak_detections_left_out():
    left, right = make_grid(1).axes
    assert outlines(left)[0] == [tuple(box) for box in BOXES]
    assert outlines(right)[0] == [tuple(BOXES[0] + 1)]
    assert [text.get_text() for text in right.texts] == ["dog 0.90"]
    assert len(outlines(make_grid(1, min_score=0.1).axes[1])[0]) == 2


def test_a_label_keeps_its_colour():
    left, right = make_grid(1).axes
    assert outlines(left)[1][1] == outlines(right)[1][0] != outlines(left)[1][0]


def test_images_without_anything_can_be_drawn(tmp_path):
    none = [np.empty((0, 4))]
    figure = detection_grid([np.zeros((40, 50), np.uint8)], none, [[]], none, [[]], [[]])
    figure.savefig(tmp_path / "grid.png")
    assert (tmp_path / "grid.png").stat().st_size > 1000 and len(figure.axes) == 2
