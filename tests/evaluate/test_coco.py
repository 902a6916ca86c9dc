"""The figures are pycocotools' own, to the last bit."""

from dataclasses import replace

import numpy as np
import pytest
from pycocotools.cocoeval import COCOeval

from datasets.annotations import Annotations, for_training
from datasets.errors import InputError
from datasets.formats.coco import read_coco
from evaluate.coco import ALL, FIGURES, Scores, score
from tests.evaluate.conftest import to_detections

CUTS = {  # of COCOeval's precision [T, R, K, A, M] and recall [T, K, A, M] for a class k
    "AP": lambda e, k: e["precision"][:, :, k, 0, -1], "AP50": lambda e, k: e["precision"][0, :, k, 0, -1],
    "AP75": lambda e, k: e["precision"][5, :, k, 0, -1], "APs": lambda e, k: e["precision"][:, :, k, 1, -1],
    "APm": lambda e, k: e["precision"][:, :, k, 2, -1], "APl": lambda e, k: e["precision"][:, :, k, 3, -1],
    "AR1": lambda e, k: e["recall"][:, k, 0, 0], "AR10": lambda e, k: e["recall"][:, k, 0, 1],
    "AR100": lambda e, k: e["recall"][:, k, 0, 2], "ARs": lambda e, k: e["recall"][:, k, 1, -1],
    "ARm": lambda e, k: e["recall"][:, k, 2, -1], "ARl": lambda e, k: e["recall"][:, k, 3, -1],
}


def assert_equal(ours: Scores, truth: Annotations, reference: COCOeval) -> None:
    """The twelve figures, every class's, and every precision are pycocotools' bit for bit; its -1 is our nan."""
    theirs = dict(zip(FIGURES, reference.stats, strict=True))
    assert {name: ours.values[name, ALL] for name in FIGURES} == pytest.approx(
        {name: np.nan if value == -1 else value for name, value in theirs.items()}, abs=0, rel=0, nan_ok=True)
    for name, id_ in zip(truth.categories, truth.category_ids):
        k = reference.params.catIds.index(id_)
        for figure, cut in CUTS.items():
            defined = cut(reference.eval, k)[cut(reference.eval, k) > -1]
            assert ours.values[figure, name] == pytest.approx(
                defined.mean() if len(defined) else np.nan, abs=0, rel=0, nan_ok=True)
    by_id = np.argsort(truth.category_ids)
    assert (ours.precision[:, :, by_id] == reference.eval["precision"][..., -1]).all()


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("settings", [
    {}, {"digits": 1}, {"digits": 0}, {"crowd": 0.6}, {"images": 6, "classes": 9}, {"images": 60, "classes": 2},
], ids=str)
def test_figures_equal_pycocotools(case_of, tmp_path, seed, settings):
    case = case_of(seed, **settings)
    reference = case.reference(tmp_path)
    assert_equal(score(case.truth, case.detections), case.truth, reference)
    assert reference.stats[0] > 0


def test_figures_from_a_file_are_those_from_arrays(case_of, tmp_path):
    case = case_of(0)
    reference = case.reference(tmp_path)
    truth = read_coco(tmp_path / "truth.json")
    assert_equal(score(truth, tmp_path / "detections.json"), truth, reference)


@pytest.mark.parametrize("seed", range(3))
def test_mean_over_classes_is_the_overall_value(case_of, seed):
    case = case_of(seed)
    values = score(case.truth, case.detections).values
    for figure in ("AP", "AP50"):
        per_class = [values[figure, name] for name in case.truth.categories]
        assert np.isnan(per_class[0]) and not np.isnan(per_class[1:]).any()
        assert np.nanmean(per_class) == pytest.approx(values[figure, ALL], abs=1e-15)


def test_class_values_belong_to_their_class(case_of):
    case = case_of(3)
    one = case.truth.categories[2]
    only = [r for r in case.records if r["category_id"] == case.truth.category_ids[2]]
    rest = score(case.truth, to_detections(only, case.truth)).values
    assert rest["AP", one] == score(case.truth, case.detections).values["AP", one] > 0
    assert rest["AP", case.truth.categories[1]] == 0


def test_more_than_a_hundred_detections_in_an_image(case_of, tmp_path):
    case = case_of(5)
    case.records.extend({**case.records[0], "score": s} for s in np.linspace(0, 1, 150).tolist())
    scores = score(case.truth, case.detections)
    assert_equal(scores, case.truth, case.reference(tmp_path))
    class_ = case.truth.category_ids.index(case.records[0]["category_id"])
    assert scores.matches[class_].ranks.max() == 99


@pytest.mark.parametrize("seed", range(3))
def test_boxes_are_judged_as_the_file_has_them(case_of, tmp_path, seed):
    """Over the edge, outside, without width: pycocotools takes them as they are, and so do we."""
    case, rng = case_of(seed), np.random.default_rng(seed)
    boxes = case.truth.boxes
    boxes[:, 0] -= 60
    boxes[rng.random(len(boxes)) < 0.1, 2] = 0
    for record in case.records:
        record["bbox"][0] -= 60
    reference = case.reference(tmp_path)
    truth = read_coco(tmp_path / "truth.json")
    detections = to_detections(case.records, truth)
    scores = score(truth, detections)
    assert_equal(scores, truth, reference)
    assert scores.values["AP", ALL] != score(for_training(truth), detections).values["AP", ALL]


def test_sizes_at_the_edges_of_their_ranges_count_on_both_sides(case_of, tmp_path):
    case = case_of(4)
    case.truth.areas[::2] = 32.0**2
    case.truth.areas[1::3] = 96.0**2
    for record in case.records[::2]:
        record["bbox"][2:] = [32.0, 32.0]
    assert_equal(score(case.truth, case.detections), case.truth, case.reference(tmp_path))


def test_perfect_detections_score_one(case_of):
    truth = case_of(0, crowd=0).truth
    perfect = [
        {"image_id": int(truth.image_ids[i]), "category_id": truth.category_ids[k], "bbox": box, "score": 0.9}
        for i, k, box in zip(truth.image_of_box(), truth.classes, truth.boxes.tolist())
    ]
    assert score(truth, to_detections(perfect, truth)).values["AP", ALL] == pytest.approx(1, abs=1e-12)


def test_no_detections_score_zero_and_not_nothing(case_of):
    case = case_of(0)
    values = score(case.truth, to_detections([], case.truth)).values
    assert values["AP", ALL] == values["AR100", ALL] == values["AP50", case.truth.categories[1]] == 0
    assert np.isnan(values["AP", case.truth.categories[0]])


def test_images_without_detections_count(case_of):
    """The trap of scoring only what was answered: leaving images out raises AP."""
    case = case_of(1)
    half = case.truth.take(np.arange(12))
    answered = [r for r in case.records if r["image_id"] in set(half.image_ids.tolist())]
    assert score(case.truth, to_detections(answered, case.truth)).values["AP", ALL] < score(
        half, to_detections(answered, half)).values["AP", ALL]


def test_nothing_is_printed(case_of, capsys):
    case = case_of(2)
    score(case.truth, case.detections)
    assert capsys.readouterr().out == ""


def test_a_truth_without_boxes_is_refused(case_of):
    case = case_of(0)
    with pytest.raises(InputError, match=r"truth\.json: has no boxes"):
        score(replace(case.truth, crowd=np.ones(case.truth.num_boxes, bool)), case.detections)
