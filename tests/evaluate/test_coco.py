"""The figures are pycocotools' own, to the last bit."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.annotations import for_training
from datasets.errors import InputError
from datasets.formats.coco import read_coco
from evaluate.coco import ALL, FIGURES, score


def same(ours: float, theirs: float) -> bool:
    return np.isnan(ours) if theirs == -1 else ours == theirs


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("settings", [{}, {"digits": 1}, {"crowd": 0.6}, {"images": 6, "classes": 9}], ids=str)
def test_twelve_figures_equal_summarize(case_of, tmp_path, seed, settings):
    case = case_of(seed, **settings)
    reference = case.reference(tmp_path)
    values = score(case.truth, case.detections).values
    assert all(same(values[name, ALL], theirs) for name, theirs in zip(FIGURES, reference.stats, strict=True))
    assert reference.stats[0] > 0


@pytest.mark.parametrize("seed", range(3))
def test_mean_over_classes_is_the_overall_value(case_of, seed):
    case = case_of(seed)
    values = score(case.truth, case.detections).values
    for figure in ("AP", "AP50"):
        per_class = [values[figure, name] for name in case.truth.categories]
        assert np.isnan(per_class[0]) and not np.isnan(per_class[1:]).any()
        assert np.nanmean(per_class) == pytest.approx(values[figure, ALL], abs=1e-15)


def test_class_values_belong_to_their_class(case_of, tmp_path):
    case = case_of(3)
    one = case.truth.categories[2]
    only = [d for d in case.detections if d["category_id"] == case.truth.category_ids[2]]
    rest = score(case.truth, only).values
    assert rest["AP", one] == score(case.truth, case.detections).values["AP", one] > 0
    assert rest["AP", case.truth.categories[1]] == 0


def test_more_than_a_hundred_detections_in_an_image(case_of, tmp_path):
    case = case_of(5)
    record = case.detections[0]
    case.detections.extend({**record, "score": s} for s in np.linspace(0, 1, 150).tolist())
    reference = case.reference(tmp_path)
    values = score(case.truth, case.detections).values
    assert all(same(values[name, ALL], theirs) for name, theirs in zip(FIGURES, reference.stats, strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_boxes_are_judged_as_the_file_has_them(case_of, tmp_path, seed):
    """Over the edge, outside, without width: pycocotools takes them as they are, and so do we."""
    case, rng = case_of(seed), np.random.default_rng(seed)
    boxes = case.truth.boxes
    boxes[:, 0] -= 60
    boxes[rng.random(len(boxes)) < 0.1, 2] = 0
    for detection in case.detections:
        detection["bbox"][0] -= 60
    reference = case.reference(tmp_path)
    truth = read_coco(tmp_path / "truth.json")
    values = score(truth, case.detections).values
    assert all(same(values[name, ALL], theirs) for name, theirs in zip(FIGURES, reference.stats, strict=True))
    assert 0 < values["AP", ALL] != score(for_training(truth), case.detections).values["AP", ALL]


def test_perfect_detections_score_one(case_of):
    truth = case_of(0, crowd=0).truth
    perfect = [
        {"image_id": int(truth.image_ids[i]), "category_id": truth.category_ids[k], "bbox": box, "score": 0.9}
        for i, k, box in zip(truth.image_of_box(), truth.classes, truth.boxes.tolist())
    ]
    assert score(truth, perfect).values["AP", ALL] == pytest.approx(1, abs=1e-12)


def test_no_detections_score_zero_and_not_nothing(case_of):
    case = case_of(0)
    values = score(case.truth, []).values
    assert values["AP", ALL] == values["AR100", ALL] == values["AP50", case.truth.categories[1]] == 0
    assert np.isnan(values["AP", case.truth.categories[0]])


def test_images_without_detections_count(case_of):
    """The trap of scoring only what was answered: leaving images out raises AP."""
    case = case_of(1)
    images = set(case.truth.image_ids[:12].tolist())
    answered = [d for d in case.detections if d["image_id"] in images]
    assert score(case.truth, answered).values["AP", ALL] < score(
        case.truth.take(np.arange(12)), answered).values["AP", ALL]


def test_the_list_given_is_left_alone(case_of):
    case = case_of(2)
    before = [dict(d) for d in case.detections]
    score(case.truth, case.detections)
    assert case.detections == before


def test_nothing_is_printed(case_of, capsys):
    case = case_of(2)
    score(case.truth, case.detections)
    assert capsys.readouterr().out == ""


def test_a_truth_without_boxes_is_refused(case_of):
    truth = case_of(0).truth
    with pytest.raises(InputError, match=r"truth\.json: has no boxes"):
        score(replace(truth, crowd=np.ones(truth.num_boxes, bool)), [])
