"""The matches say who found what, in the truth's own order."""

import numpy as np
import pytest

from datasets.annotations import Annotations
from evaluate.detections import Detections
from evaluate.matches import IOU_THRESHOLDS, SIZES, match, overlaps_of
from tests.evaluate.conftest import to_detections


def test_detections_stand_under_their_class_and_image(case_of):
    case = case_of(0)
    detections = case.detections
    for found, (k, name) in zip(match(case.truth, detections), enumerate(case.truth.categories), strict=True):
        assert found.name == name and (np.sort(found.rows) == np.flatnonzero(detections.classes == k)).all()
        assert (found.images == detections.images[found.rows]).all()
        assert (found.scores == detections.scores[found.rows]).all() and (np.diff(found.scores) <= 0).all()


def test_ranks_count_from_the_best_in_each_image(case_of):
    case = case_of(0)
    for found in match(case.truth, case.detections):
        for image in np.unique(found.images):
            assert found.ranks[found.images == image].tolist() == list(range((found.images == image).sum()))


def test_truths_count_the_boxes_to_find_without_crowds_and_by_size(case_of):
    case = case_of(1)
    truth, image_of_box = case.truth, case.truth.image_of_box()
    for k, found in enumerate(match(truth, case.detections)):
        for counted, (low, high) in zip(found.truths, SIZES.values(), strict=True):
            wanted = (truth.classes == k) & ~truth.crowd & (truth.areas >= low) & (truth.areas <= high)
            assert (counted == np.bincount(image_of_box[wanted], minlength=truth.num_images)).all()


def test_true_positives_never_exceed_the_boxes_and_fall_with_the_threshold(case_of):
    case = case_of(2)
    for matches in match(case.truth, case.detections)[1:]:
        for found, truths in zip(matches.found, matches.truths):
            for each in found:
                assert (np.bincount(matches.images[each], minlength=case.truth.num_images) <= truths).all()
        assert matches.found[0, 0].sum() > matches.found[0, -1].sum()
        assert not (matches.found & matches.ignored).any()


def test_crowds_make_ignored_detections(case_of):
    alone, crowded = case_of(3, crowd=0), case_of(3, crowd=0.6)
    assert not any(m.ignored[0].any() for m in match(alone.truth, alone.detections))
    assert any(m.ignored[0].any() for m in match(crowded.truth, crowded.detections))


def test_the_nearest_box_is_of_the_same_image_and_class_and_overlaps(case_of):
    case = case_of(4)
    detections, image_of_box = case.detections, case.truth.image_of_box()
    for k, found in enumerate(match(case.truth, detections)[1:], start=1):
        met = found.nearest >= 0
        boxes = found.nearest[met]
        assert (met == (found.found[0, 0] | found.ignored[0, 0])).all() and met.any()
        assert (case.truth.classes[boxes] == k).all() and (image_of_box[boxes] == found.images[met]).all()
        for row, box in zip(found.rows[met], boxes):
            overlap = overlaps_of(detections.boxes[[row]], case.truth.boxes[[box]], case.truth.crowd[[box]])
            assert overlap[0, 0] >= IOU_THRESHOLDS[0]
        right = found.nearest[found.found[0, 0]]
        assert len(set(right.tolist())) == len(right)


@pytest.mark.parametrize(("detection", "box", "crowd", "expected"), [
    ((0, 0, 10, 10), (0, 0, 10, 10), False, 1),
    ((0, 0, 10, 10), (5, 0, 10, 10), False, 1 / 3),
    ((0, 0, 10, 10), (10, 0, 10, 10), False, 0),
    ((0, 0, 10, 10), (0, 0, 5, 100), True, 0.5),
    ((0, 0, 0, 10), (0, 0, 10, 10), False, 0),
])
def test_overlaps(detection, box, crowd, expected):
    overlap = overlaps_of(np.array([detection], float), np.array([box], float), np.array([crowd]))
    assert overlap.tolist() == [[expected]]


def make_truth(boxes, areas=None) -> Annotations:
    count = len(boxes)
    boxes = np.array(boxes, float)
    return Annotations(("cat",), (1,), np.array([5]), ("5.jpg",), np.array([400]), np.array([300]),
                       np.array([0, count]), boxes, np.zeros(count, np.int32), np.zeros(count, bool),
                       boxes[:, 2] * boxes[:, 3] if areas is None else np.array(areas, float))


def find(*boxes) -> Detections:
    return Detections(np.zeros(len(boxes), np.int32), np.zeros(len(boxes), np.int32), np.array(boxes, float),
                      np.linspace(0.9, 0.1, len(boxes)))


def test_an_overlap_of_exactly_the_threshold_is_a_match():
    found = match(make_truth([(0, 0, 10, 10)]), find((0, 0, 10, 20)))[0]  # IoU 0.5
    assert found.found[0, :, 0].tolist() == [True] + [False] * 9 and found.nearest.tolist() == [0]


def test_of_equal_overlaps_the_last_box_is_taken():
    truth = make_truth([(0, 0, 10, 10), (0, 0, 10, 10), (100, 0, 10, 10)])
    assert match(truth, find((0, 0, 10, 10), (0, 0, 10, 10), (0, 0, 10, 10)))[0].nearest.tolist() == [1, 0, -1]


def test_boxes_of_another_size_come_after_all_others_in_their_order():
    """With more boxes than a sort of few handles in order by chance."""
    boxes = [(0, 0, 10, 10)] * 40
    areas = [5000.0, 50.0] * 20  # every second one is small
    found = match(make_truth(boxes, areas), find(*boxes))[0]
    assert found.nearest.tolist() == list(range(39, -1, -1))
    assert found.found[1, 0].tolist() == [True] * 20 + [False] * 20 and found.ignored[1, 0].sum() == 20


def test_the_nearest_box_is_that_of_all_sizes():
    truth = make_truth([(0, 0, 40, 40), (0, 0, 30, 30)])  # a medium and a small one
    found = match(truth, find((0, 0, 36, 36)))[0]
    assert found.nearest.tolist() == [0] and found.found[1, 0].tolist() == [True]


def test_areas_too_small_for_a_float_meet_nothing():
    found = match(make_truth([(0, 0, 1e-200, 1e-200)]), find((0, 0, 1e-200, 1e-200)))[0]
    assert not found.found.any()


def test_nothing_detected_gives_empty_arrays(case_of):
    truth = case_of(0).truth
    found = match(truth, to_detections([], truth))[1]
    assert found.images.shape == found.scores.shape == found.nearest.shape == (0,)
    assert found.found.shape == found.ignored.shape == (4, 10, 0)
    assert found.found.dtype == found.ignored.dtype == bool
