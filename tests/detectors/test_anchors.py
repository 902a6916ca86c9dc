import numpy as np
import pytest

from detectors.anchors import pyramid_anchors, ssd_anchors, ssd_shapes

GRIDS = [(19, 19), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1)]
PYRAMID_GRIDS = [(n, n) for n in (128, 64, 32, 16, 8, 4)]


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


def test_pyramid_anchors_equal_the_originals(resnet_expected):
    anchors = pyramid_anchors(512, PYRAMID_GRIDS)
    assert anchors.shape == (131_040, 4)
    np.testing.assert_allclose(anchors[resnet_expected.anchors_index], resnet_expected.anchors, rtol=0, atol=1e-6)
    np.testing.assert_allclose(anchors.sum(axis=0, dtype=np.float64), resnet_expected.anchors_sum, rtol=1e-8)
    squares = np.square(anchors, dtype=np.float64).sum(axis=0)
    np.testing.assert_allclose(squares, resnet_expected.anchors_sum_of_squares, rtol=1e-7)


def test_pyramid_shapes_run_through_the_scales_before_the_ratios():
    height, width = (lambda anchors: (anchors[:, 2:] - anchors[:, :2]).T)(pyramid_anchors(512, PYRAMID_GRIDS)[:6] * 512)
    np.testing.assert_allclose(np.sqrt(height * width), [16, 16 * np.sqrt(2)] * 3, rtol=1e-5)
    np.testing.assert_allclose(width / height, [1, 1, 2, 2, 0.5, 0.5], rtol=1e-5)


def test_pyramid_centres_lie_in_the_cells_only_of_levels_that_divide_the_image():
    anchors = pyramid_anchors(100, [(25, 25), (13, 13)]).reshape(-1, 6, 4)[:, 0] * 100
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    np.testing.assert_allclose(centres[[0, 1, 625, 626]], [[2, 2], [2, 6], [0, 0], [0, 8]], atol=1e-4)
