import numpy as np
import pytest
import tensorflow as tf

from detectors import box_coder

ANCHORS = np.array([[0.1, 0.2, 0.5, 0.4], [0.0, 0.0, 1.0, 1.0]], np.float32)


def test_an_anchor_encodes_to_zero():
    np.testing.assert_allclose(box_coder.encode(ANCHORS, ANCHORS), np.zeros((2, 4)), atol=1e-6)


def test_shift_and_growth_are_relative_to_the_anchor():
    box = np.array([[0.1 + 0.4, 0.2, 0.5 + 0.4, 0.4], [0.0, -0.5, 1.0, 1.5]], np.float32)
    expected = [[10.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 5 * np.log(2)]]
    np.testing.assert_allclose(box_coder.encode(box, ANCHORS), expected, atol=1e-5)


def test_decoding_undoes_encoding_for_a_batch():
    rng = np.random.default_rng(0)
    low = rng.uniform(-0.2, 0.8, (3, 2, 2))
    boxes = np.concatenate([low, low + rng.uniform(0.01, 0.6, (3, 2, 2))], axis=-1).astype(np.float32)
    np.testing.assert_allclose(box_coder.decode(box_coder.encode(boxes, ANCHORS), ANCHORS), boxes, atol=1e-6)


@pytest.mark.parametrize("box", [[0.0, 0.0, 0.0, 0.0], [0.3, 0.3, 0.3, 0.9]])
def test_an_empty_box_has_finite_codes(box):
    assert np.isfinite(box_coder.encode(tf.constant([box, box]), ANCHORS)).all()
