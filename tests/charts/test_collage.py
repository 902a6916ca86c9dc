"""Every picture has its place, and each box is drawn where it is."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from charts.collage import Labelled, collage, detection_grid, read_labelled
from datasets.annotations import Annotations

GREY = np.full((60, 80, 3), 128, np.uint8)
BOX = np.array([[10, 20, 30, 15.5]])
CLASSES = (("cat", 3), ("dog", 7))


@pytest.fixture
def truth(tmp_path):
    """Three images: two boxes, none, one; the last file is a grey PNG."""
    for name, image in (("a.jpg", GREY), ("b.jpg", GREY[:30]), ("c.png", GREY[..., 0])):
        Image.fromarray(image).save(tmp_path / name)
    boxes = np.array([[5, 6, 20, 10], [30, 2, 8, 30], [40, 40, 9, 9]], float)
    return Annotations(tuple(name for name, _ in CLASSES), tuple(id_ for _, id_ in CLASSES), np.array([50, 10, 30]),
                       ("a.jpg", "b.jpg", "c.png"), np.full(3, 80), np.array([60, 30, 60]), np.array([0, 2, 2, 3]),
                       boxes, np.array([0, 1, 1]), np.zeros(3, bool), boxes[:, 2] * boxes[:, 3])


def outlines(axes):
    """Return the drawn boxes [x, y, width, height] and their colours; under each is a black one."""
    patches = [p for p in axes.patches if isinstance(p, Rectangle)]
    assert all(p.get_edgecolor()[:3] == (0, 0, 0) for p in patches[::2])
    assert [p.get_bbox().bounds for p in patches[::2]] == [p.get_bbox().bounds for p in patches[1::2]]
    bounds = [p.get_bbox().bounds for p in patches[1::2]]
    return [(x + 0.5, y + 0.5, w, h) for x, y, w, h in bounds], [p.get_edgecolor() for p in patches[1::2]]


def texts(axes):
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize(("number", "cells"), [(0, 1), (1, 1), (3, 3), (5, 6)])
def test_every_image_has_a_cell(number, cells):
    figure = collage([Labelled(GREY, BOX, ["dog"])] * number)
    assert len(figure.axes) == cells
    assert sum(len(axes.images) for axes in figure.axes) == number


def test_boxes_lie_where_they_should_with_their_labels():
    axes = collage([Labelled(GREY, BOX, ["dog"])]).axes[0]
    assert outlines(axes)[0] == [(10, 20, 30, 15.5)] and texts(axes) == ["dog"]


def test_scores_follow_the_labels():
    picture = Labelled(GREY, np.vstack([BOX, BOX]), ["dog", "cat"], [0.987, 0.5], title="found")
    axes = collage([picture]).axes[0]
    assert texts(axes) == ["dog 0.99", "cat 0.50"] and axes.get_title() == "found"


def test_a_class_has_one_colour_in_every_image():
    two = np.vstack([BOX, BOX])
    figure = collage([Labelled(GREY, two, ["dog", "cat"]), Labelled(GREY, two, ["cat", "dog"])])
    (a, b), (c, d) = (outlines(axes)[1] for axes in figure.axes)
    assert a == d and b == c and a != b


@pytest.mark.parametrize("box", [[0, 0, 20, 20], [70, 0, 10, 60], [60, 50, 20, 10], [76, 30, 4, 10], [-9, -9, 30, 30],
                                 [70, 20, 40, 20]])
def test_labels_stay_inside_the_image(box):
    figure = collage([Labelled(GREY, [box], ["bicycle"])])
    figure.draw_without_rendering()
    axes = figure.axes[0]
    text, image = axes.texts[0].get_window_extent(), axes.get_window_extent()
    assert image.x0 - 2 <= text.x0 and text.x1 <= image.x1 + 2
    assert image.y0 - 2 <= text.y0 and text.y1 <= image.y1 + 2


def test_images_are_read_with_their_own_boxes(truth, tmp_path):
    first, second, third = read_labelled(truth, tmp_path)
    assert [p.image.shape for p in (first, second, third)] == [(60, 80, 3), (30, 80, 3), (60, 80, 3)]
    assert first.boxes.tolist() == truth.boxes[:2].tolist() and first.labels == ["cat", "dog"]
    assert second.boxes.shape == (0, 4) and second.labels == []
    assert third.boxes.tolist() == [[40, 40, 9, 9]] and third.labels == ["dog"]


def test_detections_stand_beside_the_truth(truth, tmp_path):
    detections = [
        {"image_id": 50, "category_id": 7, "bbox": [6, 7, 20, 10], "score": 0.9},
        {"image_id": 50, "category_id": 3, "bbox": [1, 1, 9, 9], "score": 0.29},
        {"image_id": 30, "category_id": 3, "bbox": [2, 2, 9, 9], "score": 0.3},
        {"image_id": 99, "category_id": 3, "bbox": [3, 3, 9, 9], "score": 1.0},
    ]
    figure = detection_grid(truth, tmp_path, detections)
    left, right, empty, none, _, last = figure.axes[:6]
    assert outlines(left)[0] == [(5, 6, 20, 10), (30, 2, 8, 30)] and texts(left) == ["cat", "dog"]
    assert outlines(right)[0] == [(6, 7, 20, 10)] and texts(right) == ["dog 0.90"]
    assert outlines(left)[1][1] == outlines(right)[1][0] != outlines(left)[1][0]
    assert not empty.patches and not none.patches and texts(last) == ["cat 0.30"]
    assert [axes.get_title() for axes in figure.axes[:2]] == ["truth", "detections ≥ 0.3"]
    assert len(detection_grid(truth, tmp_path, detections, min_score=0.2).axes[1].texts) == 2


def test_a_picture_of_nothing_found_can_be_saved(truth, tmp_path):
    detection_grid(truth.take(np.array([1])), tmp_path, []).savefig(tmp_path / "grid.png")
    assert Image.open(tmp_path / "grid.png").size[0] > 400
