"""Every picture has its place, and each box is drawn where it is."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from charts.boxes import CROWDED
from charts.collage import LARGEST, Labelled, choose, collage, detection_grid, labelled_grid, read_labelled
from charts.save import save_figure
from datasets.annotations import Annotations
from datasets.errors import InputError

GREY = np.full((60, 80, 3), 128, np.uint8)
BOX = np.array([[10, 20, 30, 15.5]])
CLASSES = (("cat", 3), ("dog", 7))


class Found(NamedTuple):
    images: np.ndarray
    classes: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray


NOTHING = Found(np.empty(0, int), np.empty(0, int), np.empty((0, 4)), np.empty(0))


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


def test_images_are_read_with_their_own_boxes(truth, tmp_path):
    first, second, third = read_labelled(truth, tmp_path)
    assert [p.image.shape for p in (first, second, third)] == [(60, 80, 3), (30, 80, 3), (60, 80, 3)]
    assert first.boxes.tolist() == truth.boxes[:2].tolist() and first.labels == ["cat", "dog"]
    assert second.boxes.shape == (0, 4) and second.labels == []
    assert third.boxes.tolist() == [[40, 40, 9, 9]] and third.labels == ["dog"]


@pytest.mark.parametrize(("spoil", "reason"), [
    (lambda path: path.unlink(), "No such file"), (lambda path: path.write_text("no picture"), "Unidentified"),
    (lambda path: path.write_bytes(path.read_bytes()[:300]), "OSError")])
def test_an_image_that_cannot_be_read_is_named(truth, tmp_path, spoil, reason):
    spoil(tmp_path / "b.jpg")
    with pytest.raises(InputError, match=rf"b\.jpg: no picture to draw \({reason}.*\); restore it"):
        read_labelled(truth, tmp_path)


def test_a_large_image_is_shrunk_and_its_boxes_stay_where_they_are(tmp_path):
    large = np.zeros((2 * LARGEST, 4 * LARGEST, 3), np.uint8)
    large[LARGEST:, LARGEST:2 * LARGEST] = 255
    Image.fromarray(large).save(tmp_path / "0.jpg")
    data = replace(data_set("a"), widths=np.array([4 * LARGEST]), heights=np.array([2 * LARGEST]),
                   boxes=np.array([[LARGEST, LARGEST, LARGEST, LARGEST]], float))
    picture, = read_labelled(data, tmp_path)
    assert picture.image.shape == (LARGEST // 2, LARGEST, 3) and picture.scale == 0.25
    axes = collage([picture]).axes[0]
    assert outlines(axes)[0] == [(LARGEST, LARGEST, LARGEST, LARGEST)]
    left, right, bottom, top = axes.images[0].get_extent()
    assert (left, right, bottom, top) == (-0.5, 4 * LARGEST - 0.5, 2 * LARGEST - 0.5, -0.5)
    assert picture.image[-9:, 230:440].min() > 250 > 5 > picture.image[:, :220].max()


def test_detections_stand_beside_the_truth(truth, tmp_path):
    detections = Found(np.array([0, 0, 2]), np.array([1, 0, 0]), np.array([[6, 7, 20, 10], [1, 1, 9, 9], [2, 2, 9, 9]]),
                       np.array([0.9, 0.29, 0.3]))
    figure = detection_grid(truth, tmp_path, detections, np.arange(3))
    left, right, empty, none, _, last = figure.axes[:6]
    assert outlines(left)[0] == [(5, 6, 20, 10), (30, 2, 8, 30)] and texts(left) == ["cat", "dog"]
    assert outlines(right)[0] == [(6, 7, 20, 10)] and texts(right) == ["dog 0.90"]
    assert outlines(left)[1][1] == outlines(right)[1][0] != outlines(left)[1][0]
    assert not empty.patches and not none.patches and texts(last) == ["cat 0.30"]
    assert [axes.get_title() for axes in figure.axes[:2]] == ["truth", "detections ≥ 0.3"]
    assert len(detection_grid(truth, tmp_path, detections, np.arange(3), min_score=0.2).axes[1].texts) == 2
    last, first = detection_grid(truth, tmp_path, detections, np.array([2, 0])).axes[1::2]
    assert texts(last) == ["cat 0.30"] and texts(first) == ["dog 0.90"]


def data_set(*images, names="abcdefgh"):
    """Return annotations of images that show the classes of a string each, "aab" two of a and one of b."""
    classes = np.array([names.index(name) for image in images for name in image], np.int32)
    sizes = np.full(len(images), 100, np.int32)
    return Annotations(tuple(names), tuple(range(len(names))), np.arange(len(images)),
                       tuple(f"{k}.jpg" for k in range(len(images))), sizes, sizes,
                       np.cumsum([0, *map(len, images)]), np.tile([10.0, 10, 20, 20], (len(classes), 1)), classes,
                       np.zeros(len(classes), bool), np.full(len(classes), 400.0))


@pytest.mark.parametrize("draw", range(3))
def test_the_chosen_images_show_many_classes(draw):
    images = [*["a", "aa", "b"] * 9, "abcd", "", "efgh"]
    chosen = choose(data_set(*images), 2, draw)
    assert {images[p] for p in chosen} == {"abcd", "efgh"}


def test_when_all_classes_are_seen_they_are_sought_again():
    images = ["ab", "ab", "a", "a", "a", "a", "c", "c"]
    assert sorted(images[p] for p in choose(data_set(*images), 4)) == ["ab", "ab", "c", "c"]


@pytest.mark.parametrize(("images", "count", "expected"), [
    (["a" * CROWDED + "bcd", "a", ""], 1, ["a"]), (["", "a" * CROWDED, ""], 2, None), (["", ""], 5, ["", ""]),
    (["ab", "c"], 9, ["ab", "c"])])
def test_crowded_and_bare_images_serve_where_others_are_too_few(images, count, expected):
    chosen = [images[p] for p in choose(data_set(*images), count)]
    assert len(chosen) == min(count, len(images)) and (expected is None or sorted(chosen) == sorted(expected))


def test_the_choice_follows_the_hash_order_and_not_that_of_the_file():
    data = data_set(*["a", "b", "ab"] * 20)
    turned = data.take(np.arange(60)[::-1])
    names = [{each.file_names[p] for p in choose(each, 5)} for each in (data, turned)]
    assert names[0] == names[1] != {data.file_names[p] for p in choose(data, 5, draw=1)}


def test_the_grid_of_a_data_set_shows_what_is_learnt_from(truth, tmp_path):
    crowd = replace(truth, crowd=np.array([True, False, False]))
    figure = labelled_grid(crowd, tmp_path, count=3)
    assert sorted(texts(axes) for axes in figure.axes) == [[], ["dog"], ["dog"]]
    first, second = (save_figure(labelled_grid(truth, tmp_path), tmp_path / name) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_odd_class_names_are_written_as_they_are(tmp_path):
    figure = collage([Labelled(GREY, BOX, ["$a_{$ and $b$"]), Labelled(GREY, BOX, ["_x"])])
    assert [texts(axes) for axes in figure.axes] == [[r"\$a_{\$ and \$b\$"], ["_x"]]
    save_figure(figure, tmp_path / "odd")


def test_a_picture_of_nothing_found_can_be_saved(truth, tmp_path):
    detection_grid(truth, tmp_path, NOTHING, np.array([1])).savefig(tmp_path / "grid.png")
    assert Image.open(tmp_path / "grid.png").size[0] > 400
