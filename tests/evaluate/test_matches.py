"""The matches say who found what, in the truth's own order."""

import numpy as np
import pytest

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


def test_nothing_detected_gives_empty_arrays(case_of):
    truth = case_of(0).truth
    found = match(truth, to_detections([], truth))[1]
    assert found.images.shape == found.scores.shape == found.nearest.shape == (0,)
    assert found.found.shape == found.ignored.shape == (4, 10, 0)
    assert found.found.dtype == found.ignored.dtype == bool
