from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.annotations import Annotations, clip_boxes, for_training


def _annotations(counts: list[int]) -> Annotations:
    """Return images with `counts` boxes each; box b has x = b, so that it can be told apart."""
    images, boxes = len(counts), sum(counts)
    box = np.tile([0.0, 0, 1, 1], (boxes, 1))
    box[:, 0] = np.arange(boxes)
    return Annotations(("a", "b"), (1, 2), np.arange(images) * 10, tuple(f"{i}.jpg" for i in range(images)),
                       np.full(images, 9, np.int32), np.arange(images, dtype=np.int32),
                       np.concatenate([[0], np.cumsum(counts)]), box, (np.arange(boxes) % 2).astype(np.int32),
                       np.arange(boxes) % 3 == 0, np.arange(boxes) + 0.5)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.data())
def test_taken_images_keep_exactly_their_own_boxes(counts, data):
    whole = _annotations(counts)
    positions = data.draw(st.lists(st.integers(0, len(counts) - 1), unique=True))
    part = whole.take(np.array(positions, int))
    assert part.image_ids.tolist() == [10 * p for p in positions]
    for new, old in enumerate(positions):
        rows, originals = slice(*part.starts[new:new + 2]), slice(*whole.starts[old:old + 2])
        for name in ("boxes", "classes", "crowd", "areas"):
            assert getattr(part, name)[rows].tolist() == getattr(whole, name)[originals].tolist()
    assert part.num_boxes == sum(counts[p] for p in positions)


@pytest.mark.parametrize(("counts", "images"), [([2, 0, 1], [0, 0, 2]), ([0, 0], [])])
def test_each_box_knows_its_image(counts, images):
    assert _annotations(counts).image_of_box().tolist() == images


@pytest.mark.parametrize("positions", [[True, False, True], [-1], [0, -3], [0.0, 2.0], [1.5], ["0"], []],
                         ids=["mask", "negative", "one negative", "whole floats", "float", "text", "list of nothing"])
def test_only_positions_can_be_taken(positions):
    """A mask or a float would select other images than meant, a negative number images from the end."""
    with pytest.raises(ValueError, match="integers from 0 up"):
        _annotations([1, 2, 3]).take(np.array(positions))


def test_positions_past_the_end_are_refused():
    with pytest.raises(IndexError):
        _annotations([1, 2, 3]).take(np.array([3]))


def test_images_can_be_taken_twice():
    twice = _annotations([1, 2]).take(np.array([1, 0, 1], np.uint8))
    assert twice.boxes[:, 0].tolist() == [1, 2, 0, 1, 2] and twice.starts.tolist() == [0, 2, 3, 5]


@pytest.mark.parametrize(("box", "clipped"), [
    ([-0.5, -2, 10, 10], [0, 0, 9.5, 8]),
    ([90, 70, 10.25, 10.25], [90, 70, 10, 10]),
    ([-1, -1, 200, 200], [0, 0, 100, 80]),
    ([-5, 10, 20, 30], [0, 10, 15, 30]),
    ([100, 10, 5, 5], [100, 10, 0, 5]),
    ([-9, 0, 9, 5], [0, 0, 0, 5]),
    ([300, 300, 5, 5], [100, 80, 0, 0]),
    ([-50, -50, 5, 5], [0, 0, 0, 0]),
])
def test_boxes_are_cut_at_the_edge(box, clipped):
    """Two images: the other one is large enough to hold the box whole, or keep it as far as it is positive."""
    boxes = np.array([box, np.abs(box)], float)
    ours = clip_boxes(boxes, np.array([100, 1000]), np.array([80, 1000]))
    assert ours.tolist() == [clipped, np.abs(box).tolist()]


@given(st.tuples(*[st.floats(-300, 300)] * 2, *[st.floats(0, 400)] * 2))
def test_a_clipped_box_is_what_box_and_image_share(box):
    x, y, width, height = clip_boxes(np.array([box]), np.array([100]), np.array([80]))[0]
    assert width >= 0 and height >= 0
    shared = [max(0, min(low + size, limit) - max(low, 0)) for low, size, limit in zip(box[:2], box[2:], (100, 80))]
    assert [width, height] == pytest.approx(shared, abs=1e-9)
    if 0 <= box[0] <= box[0] + box[2] <= 100 and 0 <= box[1] <= box[1] + box[3] <= 80:
        assert (x, y, width, height) == box  # bit for bit


def test_training_leaves_crowds_and_empty_boxes_out_and_cuts_the_rest():
    """Five boxes in four images of 9 x 9: a crowd, one without width, one outside, one over the edge, one inside."""
    boxes = np.array([[1, 1, 4, 4], [1, 1, 0, 4], [20, 1, 4, 4], [5, 1, 8, 2], [2, 2, 3, 3]], float)
    crowd = np.array([True, False, False, False, False])
    whole = replace(_annotations([2, 1, 0, 2]), boxes=boxes, crowd=crowd, heights=np.full(4, 9, np.int32))
    training = for_training(whole)
    assert training.boxes.tolist() == [[5, 1, 4, 2], [2, 2, 3, 3]]
    assert training.classes.tolist() == [1, 0] and training.areas.tolist() == [3.5, 4.5]
    assert not training.crowd.any() and training.starts.tolist() == [0, 0, 0, 0, 2]
    assert training.image_ids is whole.image_ids and whole.boxes is boxes


def test_clean_annotations_are_trained_on_as_they_are():
    clean = replace(_annotations([2, 0, 3]), crowd=np.zeros(5, bool), heights=np.full(3, 9, np.int32))
    training = for_training(clean)
    for field in fields(clean):
        np.testing.assert_array_equal(getattr(training, field.name), getattr(clean, field.name))
