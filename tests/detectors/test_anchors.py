import numpy as np
import pytest

from detectors.anchors import ssd_anchors, ssd_shapes

GRIDS = [(19, 19), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1)]


def test_anchors_equal_the_originals(expected):
    np.testing.assert_allclose(ssd_anchors(GRIDS), expected.anchors, rtol=0, atol=1e-6)


def test_three_shapes_on_the_lowest_layer_and_six_above():
    assert [len(shapes) for shapes in ssd_shapes(6)] == [3, 6, 6, 6, 6, 6]


def test_last_shape_of_a_layer_lies_between_two_scales():
    scale, ratio = ssd_shapes(6)[5][-1]
    assert (scale, ratio) == (pytest.approx(np.sqrt(0.95)), 1.0)


def test_rows_come_before_columns_on_a_grid_that_is_not_square():
    anchors = ssd_anchors([(2, 3)])
    centres = (anchors[::3, :2] + anchors[::3, 2:]) / 2
    np.testing.assert_allclose(centres, [[y, x] for y in (1 / 4, 3 / 4) for x in (1 / 6, 3 / 6, 5 / 6)], atol=1e-6)
