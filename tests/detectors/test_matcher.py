import numpy as np
import pytest
import tensorflow as tf

from detectors.anchors import pyramid_anchors
from detectors.matcher import match, pairwise_iou
from tests.detectors import original


def match_by_hand(iou: np.ndarray) -> np.ndarray:
    """Return int [A] for iou [A, M] of one image: the original's rules, one step at a time."""
    matches = np.where(iou.max(axis=1) >= 0.5, iou.argmax(axis=1), -1)
    for box in reversed(range(iou.shape[1])):
        matches[iou[:, box].argmax()] = box
    return matches


def random_boxes(rng: np.random.Generator, *shape: int, grid: int = 8) -> np.ndarray:
    """Return boxes with corners on a coarse grid, so that overlaps tie often."""
    low = rng.integers(0, grid - 1, (*shape, 2))
    high = low + rng.integers(1, grid // 2, (*shape, 2))
    return (np.concatenate([low, high], axis=-1) / grid).astype(np.float32)


def test_matches_equal_the_originals(expected):
    boxes, classes = original.ground_truth()
    np.testing.assert_array_equal(match(expected.anchors, boxes, classes >= 0), expected.matches)


def test_matches_on_the_pyramid_equal_the_originals(resnet_expected):
    boxes, classes = original.ground_truth()
    anchors = pyramid_anchors(512, [(n, n) for n in (128, 64, 32, 16, 8, 4)])
    matches = match(anchors, boxes, classes >= 0).numpy()
    np.testing.assert_array_equal(np.argwhere(matches >= 0), resnet_expected.positives)
    np.testing.assert_array_equal(matches[matches >= 0], resnet_expected.positive_boxes)


def test_matches_are_the_same_compiled(expected):
    boxes, classes = original.ground_truth()
    compiled = tf.function(match, jit_compile=True)
    np.testing.assert_array_equal(compiled(expected.anchors, boxes, classes >= 0), expected.matches)


@pytest.mark.parametrize("seed", range(20))
def test_matches_and_ties_follow_the_rules(seed):
    rng = np.random.default_rng(seed)
    anchors, boxes = random_boxes(rng, 40), random_boxes(rng, 3, 6)
    counts = rng.integers(1, 7, 3)
    matches = match(anchors, boxes, np.arange(6) < counts[:, None]).numpy()
    iou = pairwise_iou(anchors, boxes).numpy()
    for image, count in enumerate(counts):
        np.testing.assert_array_equal(matches[image], match_by_hand(iou[image, :, :count]))


def test_every_box_gets_an_anchor_however_small():
    anchors = np.array([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]], np.float32)
    boxes = np.array([[[0.7, 0.7, 0.71, 0.71]]], np.float32)
    np.testing.assert_array_equal(match(anchors, boxes, [[True]]), [[-1, 0]])


def test_two_boxes_on_one_anchor_leave_it_to_the_first():
    anchors = np.array([[0, 0, 1, 1]], np.float32)
    boxes = np.array([[[0, 0, 0.3, 1], [0, 0, 0.9, 1]]], np.float32)
    np.testing.assert_array_equal(match(anchors, boxes, [[True, True]]), [[0]])


@pytest.mark.parametrize("columns", [0, 1, 4])
def test_an_image_without_boxes_is_all_background(columns, expected):
    matches = match(expected.anchors, tf.zeros([2, columns, 4]), tf.zeros([2, columns], tf.bool))
    np.testing.assert_array_equal(matches, np.full((2, len(expected.anchors)), -1))


def test_iou_of_a_quarter_and_of_nothing():
    anchors = np.array([[0, 0, 1, 1]], np.float32)
    boxes = np.array([[[0, 0, 0.5, 0.5], [2, 2, 3, 3], [0, 0, 0, 0]]], np.float32)
    np.testing.assert_allclose(pairwise_iou(anchors, boxes), [[[0.25, 0, 0]]])
