import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from records.augment import CROPS, crop_boxes, crop_window, flip_boxes

SSD, IMAGE = CROPS["ssd_crop"], CROPS["image_crop"]
BOXES = np.array([[.1, .1, .5, .5], [.4, .6, .9, .8]], np.float32)


def crop(boxes, window, overlap=0.0):
    kept, classes = crop_boxes(tf.constant(boxes, tf.float32), tf.range(len(boxes)), tf.constant(window, tf.float32),
                               tf.constant(overlap, tf.float32))
    return kept.numpy(), classes.numpy().tolist()


@pytest.mark.parametrize(("window", "overlap", "kept", "expected"), [
    ([0, 0, 1, 1], 1.0, [0, 1], BOXES),
    ([0, 0, .5, .5], 1.0, [0], [[.2, .2, 1, 1]]),
    ([.3, .1, .7, .5], 0.49, [0], [[0, 0, .5, 1]]),  # half of it is inside
    ([.3, .1, .7, .5], 0.51, [], np.empty((0, 4))),
    ([.3, .3, .7, .7], 0.0, [0, 1], [[0, 0, .5, .5], [.25, .75, 1, 1]]),
    ([.5, .5, .6, .6], 0.0, [], np.empty((0, 4))),  # they only touch it
])
def test_boxes_are_cut_at_the_window_and_those_too_far_out_dropped(window, overlap, kept, expected):
    boxes, classes = crop(BOXES, window, overlap)
    assert classes == kept
    np.testing.assert_allclose(boxes, expected, atol=1e-6)


def test_no_boxes_stay_no_boxes():
    boxes, classes = crop(np.empty((0, 4)), [0, 0, .5, .5])
    assert boxes.shape == (0, 4) and classes == []


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 1, width=32), min_size=8, max_size=8), st.sampled_from(SSD.overlaps))
def test_cropping_equals_a_plain_computation(numbers, overlap):
    (y0, y1), (x0, x1), (wy0, wy1), (wx0, wx1) = (sorted(numbers[i:i + 2]) for i in range(0, 8, 2))
    window = [wy0 * 0.5, wx0 * 0.5, 0.5 + wy1 * 0.5, 0.5 + wx1 * 0.5]
    boxes, _ = crop([[y0, x0, y1, x1]], window, overlap)
    inside = [max(y0, window[0]), max(x0, window[1]), min(y1, window[2]), min(x1, window[3])]
    area = max(0, inside[2] - inside[0]) * max(0, inside[3] - inside[1])
    whole = (y1 - y0) * (x1 - x0)
    if whole < 1e-4 or abs(area / whole - overlap) < 1e-4 or area / whole < 1e-4:
        return  # on the edge, where rounding decides
    assert len(boxes) == (area / whole >= overlap)
    if len(boxes):
        height, width = window[2] - window[0], window[3] - window[1]
        expected = [(inside[0] - window[0]) / height, (inside[1] - window[1]) / width,
                    (inside[2] - window[0]) / height, (inside[3] - window[1]) / width]
        np.testing.assert_allclose(boxes[0], expected, atol=1e-5)


def test_flipping_mirrors_and_twice_is_nothing():
    np.testing.assert_allclose(flip_boxes(tf.constant(BOXES)), [[.1, .5, .5, .9], [.4, .2, .9, .4]], atol=1e-6)
    np.testing.assert_allclose(flip_boxes(flip_boxes(tf.constant(BOXES))), BOXES, atol=1e-6)
    assert flip_boxes(tf.zeros([0, 4])).shape == (0, 4)


def choose(crop, count=400):
    """Return the windows and overlaps that `count` examples get."""
    window = tf.function(lambda number: crop_window(crop, tf.constant(BOXES), 300, 400,
                                                    tf.stack([np.int64(5), number])))
    drawn = [window(tf.constant(n, tf.int64)) for n in range(count)]
    return np.array([w.numpy() for w, _ in drawn]), np.array([o.numpy() for _, o in drawn])


@pytest.fixture(scope="module")
def windows():
    return choose(SSD)


@pytest.mark.parametrize(("crop", "count"), [(SSD, 400), (IMAGE, 200)], ids=["ssd_crop", "image_crop"])
def test_windows_have_the_areas_and_aspects_of_the_original(crop, count):
    windows, _ = choose(crop, count)
    height, width = (windows[:, 2:] - windows[:, :2]).T
    assert (windows >= 0).all() and (windows <= 1).all()
    assert height.min() * 300 >= 1 and (height * width).min() >= crop.areas[0] - 0.01
    cut = height * width < 1
    aspects = (width * 400 / (height * 300))[cut]
    assert aspects.min() >= crop.aspects[0] - 0.05 and aspects.max() <= crop.aspects[1] + 0.05
    assert np.ptp(aspects) > 0.5  # as far apart as windows of that area leave room


def test_the_image_crop_always_cuts_and_keeps_every_box_with_a_part_inside():
    windows, overlaps = choose(IMAGE, 200)
    assert not (windows == [0, 0, 1, 1]).all(axis=1).any() and not overlaps.any()
    assert len(np.unique(windows, axis=0)) == 200


def test_the_recipes_have_the_numbers_of_the_original():
    """pipeline.config of the two checkpoints: ssd_random_crop, and random_crop_image of the ResNet."""
    assert (SSD.aspects, SSD.areas, SSD.keep_original) == ((0.5, 2), (0.1, 1), 0.15) and len(SSD.overlaps) == 7
    assert (IMAGE.overlaps, IMAGE.aspects, IMAGE.areas, IMAGE.keep_original) == ((0,), (0.75, 3), (0.75, 1), 0)


def test_overlaps_are_drawn_evenly_and_the_whole_image_is_sometimes_kept(windows):
    whole = (windows[0] == [0, 0, 1, 1]).all(axis=1)
    assert SSD.keep_original - 0.06 < whole.mean() < 0.5
    assert (windows[1][whole & (windows[1] == 0)].size / 400) > SSD.keep_original - 0.06
    assert set(windows[1].tolist()) == {float(np.float32(o)) for o in SSD.overlaps}
    counts = [np.isclose(windows[1], o).sum() for o in SSD.overlaps[1:]]
    assert min(counts) > 0.5 * 400 * (1 - SSD.keep_original) / len(SSD.overlaps)


def test_some_box_has_the_overlap_asked_for(windows):
    """Up to the whole pixels that TensorFlow's operation works in."""
    for window, overlap in zip(*windows):
        boxes, _ = crop(BOXES, window, max(0.0, overlap - 0.05))
        assert len(boxes) or overlap == 0


def test_a_window_is_a_function_of_the_seed():
    def one(*seed):
        return crop_window(SSD, tf.constant(BOXES), 300, 400, tf.constant(seed, tf.int64))[0].numpy().tolist()

    tf.random.set_seed(1)
    first = [one(5, n) for n in range(20)]
    tf.random.set_seed(2)
    assert first == [one(5, n) for n in range(20)] != [one(6, n) for n in range(20)]
    assert len({tuple(w) for w in first}) > 10


def test_an_image_without_boxes_is_cut_all_the_same():
    windows = [crop_window(SSD, tf.zeros([0, 4]), 300, 400, tf.constant([5, n], tf.int64))[0] for n in range(20)]
    assert len({tuple(w.numpy().tolist()) for w in windows}) > 5
