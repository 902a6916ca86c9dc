"""The matches say who found what, in the truth's own order."""

import numpy as np

from evaluate.coco import score


def test_detections_stand_under_their_class_and_image(case_of):
    case = case_of(0)
    matches = score(case.truth, case.detections).matches
    assert tuple(m.name for m in matches) == case.truth.categories
    for match, category_id in zip(matches, case.truth.category_ids):
        given = [(d["score"], d["image_id"]) for d in case.detections if d["category_id"] == category_id]
        listed = list(zip(match.scores.tolist(), case.truth.image_ids[match.images].tolist()))
        assert sorted(listed) == sorted(given)
        assert (np.diff(match.scores) <= 0).all()


def test_truths_count_the_boxes_to_find_without_crowds(case_of):
    case = case_of(1)
    truth, image_of_box = case.truth, case.truth.image_of_box()
    for k, match in enumerate(score(truth, case.detections).matches):
        wanted = (truth.classes == k) & ~truth.crowd
        assert (match.truths == np.bincount(image_of_box[wanted], minlength=truth.num_images)).all()


def test_true_positives_never_exceed_the_boxes_and_fall_with_the_threshold(case_of):
    case = case_of(2)
    for match in score(case.truth, case.detections).matches[1:]:
        for found in match.found:
            assert (np.bincount(match.images[found], minlength=case.truth.num_images) <= match.truths).all()
        assert match.found[0].sum() > match.found[-1].sum()
        assert not (match.found & match.ignored).any()


def test_crowds_make_ignored_detections(case_of):
    alone, crowded = case_of(3, crowd=0), case_of(3, crowd=0.6)
    assert not any(m.ignored.any() for m in score(alone.truth, alone.detections).matches)
    assert any(m.ignored.any() for m in score(crowded.truth, crowded.detections).matches)


def test_nothing_detected_gives_empty_arrays(case_of):
    truth = case_of(0).truth
    match = score(truth, []).matches[1]
    assert match.images.shape == match.scores.shape == (0,)
    assert match.found.shape == match.ignored.shape == (10, 0)
    assert match.found.dtype == match.ignored.dtype == bool
