"""Results files are checked where they enter: one line that names file and record."""

import json
from dataclasses import replace

import numpy as np
import pytest

from datasets.errors import InputError
from evaluate.coco import ALL, score
from evaluate.detections import Detections, join, read_detections, write_detections
from tests.evaluate.conftest import to_detections


@pytest.fixture
def case(case_of):
    return case_of(0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "detections.json"


def assert_same(one: Detections, other: Detections) -> None:
    for name in ("images", "classes", "boxes", "scores"):
        ours, theirs = getattr(one, name), getattr(other, name)
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape and (ours == theirs).all()


def write(path, records) -> None:
    path.write_text(json.dumps(records))


def test_written_and_read_back_they_are_the_same_and_score_the_same(case, path):
    write_detections(path, case.detections, case.truth)
    assert_same(read_detections(path, case.truth), case.detections)
    assert score(case.truth, path).values["AP", ALL] == score(case.truth, case.detections).values["AP", ALL]


def test_the_file_holds_coco_results(case, path):
    write_detections(path, case.detections, case.truth)
    assert json.loads(path.read_text()) == case.records


def test_an_empty_list_is_an_answer(case, path):
    write_detections(path, join([]), case.truth)
    assert path.read_text() == "[]"
    assert_same(read_detections(path, case.truth), join([]))


def test_parts_are_joined_in_order(case):
    cut = len(case.records) // 3
    parts = [to_detections(part, case.truth) for part in (case.records[:cut], [], case.records[cut:])]
    assert_same(join(parts), case.detections)


def test_other_keys_are_dropped_and_whole_numbers_taken(case, path):
    write(path, [{**case.records[0], "segmentation": [], "area": 3, "bbox": [1, 2, 3, 4], "score": 1}])
    found = read_detections(path, case.truth)
    assert found.boxes.tolist() == [[1, 2, 3, 4]] and found.scores.tolist() == [1]


@pytest.mark.parametrize(("change", "complaint"), [
    ({"image_id": 10_001}, r"\[1\]\.image_id 10001 is no image of the truth; score it.*truth\.json"),
    ({"category_id": 999}, r"\[1\]\.category_id 999 is none of the truth's categories .*map the ids"),
    ({"score": 1.01}, r"\[1\]\.score is 1\.01; it must be a number in \[0, 1\]"),
    ({"score": -0.1}, r"\[1\]\.score is -0\.1"),
    ({"bbox": [1, 2, -3, 4]}, r"\[1\]\.bbox is \[1.*negative size"),
    ({"bbox": [1, 2, 3, -4]}, r"\[1\]\.bbox is \[1.*negative size"),
    ({"image_id": 2_007_000_033}, r"\[1\]\.image_id 2007000033 is no image"),
    ({"bbox": [1, 2, 3]}, r"\$\[1\]\.bbox"),
    ({"bbox": [500, 2, 3, 4]}, r"\[1\]\.bbox is \[500.* in an image of 400 x 400 pixels, which with 1 of 2 lies outs"),
    ({"bbox": [0, -90, 3, 80]}, r"\[1\]\.bbox is .*lies outside its image"),
    ({"score": "0.5"}, r"\$\[1\]\.score"),
    ({"score": float("nan")}, r"got NaN.*\$\[1\]\.score"),
    ({"bbox": [1, float("inf"), 3, 4]}, r"got Infinity.*\$\[1\]\.bbox\[1\]"),
    ({"image_id": None}, r"\$\[1\]\.image_id"),
])
def test_a_bad_record_is_named(case, path, change, complaint):
    write(path, [case.records[0], {**case.records[1], **change}])
    with pytest.raises(InputError, match=complaint) as error:
        read_detections(path, case.truth)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


def test_results_of_another_data_set_are_told_from_a_single_slip(case, path):
    write(path, [{**record, "image_id": record["image_id"] + 10_000} for record in case.records])
    with pytest.raises(InputError, match=r"\[0\]\.image_id \d+ .*none of the others.*results of another data set"):
        read_detections(path, case.truth)


def test_a_few_boxes_outside_their_images_are_scored(case, path):
    """A detector that does not clip may put some there; they are false positives."""
    write(path, [*case.records, {**case.records[0], "bbox": [500, 500, 10, 10]}])
    assert len(read_detections(path, case.truth)) == len(case.records) + 1


@pytest.mark.parametrize(("box", "inside"), [
    ([300, 0, 5, 5], False), ([299, 0, 5, 5], True), ([0, 200, 5, 5], False), ([0, 199, 5, 5], True),
    ([-5, 0, 5, 5], True), ([-6, 0, 5, 5], False), ([0, -5, 5, 5], True), ([0, -6, 5, 5], False),
])
def test_what_touches_its_image_is_in_it(case, path, box, inside):
    count = case.truth.num_images
    truth = replace(case.truth, widths=np.full(count, 300, np.int32), heights=np.full(count, 200, np.int32))
    write(path, [{**case.records[0], "bbox": box}])
    if inside:
        assert len(read_detections(path, truth)) == 1
    else:
        with pytest.raises(InputError, match="in an image of 300 x 200 pixels"):
            read_detections(path, truth)


def test_normalised_boxes_are_refused(case, path):
    write(path, [{**r, "bbox": [side / 400 for side in r["bbox"]]} for r in case.records if max(r["bbox"]) <= 400])
    with pytest.raises(InputError, match=r"\[0\]\.bbox is \[0\..* within 0 to 1; multiply them"):
        read_detections(path, case.truth)


def test_corners_are_refused(case, path):
    corners = [(r, *r["bbox"]) for r in case.records]
    write(path, [{**r, "bbox": [x, y, x + w, y + h]} for r, x, y, w, h in corners if min(x, y) >= 0])
    with pytest.raises(InputError, match=r"\]\.bbox is .* ends beyond its image; these look like corners"):
        read_detections(path, case.truth)


def test_other_categories_are_passed_over(case, path):
    write_detections(path, case.detections, case.truth)
    first, *rest = case.truth.category_ids
    fewer = replace(case.truth, categories=case.truth.categories[1:], category_ids=tuple(rest))
    found = read_detections(path, fewer, others=[first])
    assert_same(found, to_detections([r for r in case.records if r["category_id"] != first], fewer))
    with pytest.raises(InputError, match=f"category_id {first} is none of the truth's categories"):
        read_detections(path, fewer)


@pytest.mark.parametrize("content", ["", "{}", '{"annotations": []}', "[1]", "[{}]", "nonsense", '[{"image_id": 1'])
def test_a_file_that_holds_no_results_is_refused(case, path, content):
    path.write_text(content)
    with pytest.raises(InputError, match=r"detections\.json: not a list of COCO results") as error:
        read_detections(path, case.truth)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_refused(case, tmp_path):
    with pytest.raises(InputError, match=r"absent\.json: No such file"):
        read_detections(tmp_path / "absent.json", case.truth)


def test_long_lists_of_categories_are_cut(case, path):
    write(path, [{**case.records[0], "category_id": 999}])
    with pytest.raises(InputError, match=r"categories 0, 1, 2, 3, 4, 5, 6, 7, \.\.\.; map"):
        read_detections(path, replace(case.truth, category_ids=tuple(range(80))))


def test_ids_need_no_order(case, path):
    shuffled = np.random.default_rng(0).permutation(case.truth.num_images)
    assert (np.diff(case.truth.image_ids) < 0).any()
    write_detections(path, case.detections, case.truth)
    found = read_detections(path, case.truth.take(shuffled))
    assert (shuffled[found.images] == case.detections.images).all()
