"""Results files are checked where they enter: one line that names file and record."""

import json
from dataclasses import replace

import pytest

from datasets.errors import InputError
from evaluate.coco import ALL, score
from evaluate.detections import read_detections, write_detections


@pytest.fixture
def case(case_of):
    return case_of(0)


def test_written_and_read_back_they_are_the_same_and_score_the_same(case, tmp_path):
    path = tmp_path / "detections.json"
    write_detections(path, case.detections)
    assert read_detections(path, case.truth) == case.detections
    assert score(case.truth, path).values["AP", ALL] == score(case.truth, case.detections).values["AP", ALL]


def test_an_empty_list_is_an_answer(case, tmp_path):
    write_detections(tmp_path / "d.json", [])
    assert read_detections(tmp_path / "d.json", case.truth) == []


def test_other_keys_are_dropped(case, tmp_path):
    path = tmp_path / "d.json"
    path.write_text(json.dumps([{**case.detections[0], "segmentation": [], "area": 3}]))
    assert read_detections(path, case.truth) == case.detections[:1]


@pytest.mark.parametrize(("change", "complaint"), [
    ({"image_id": 10_001}, r"\[1\]\.image_id 10001 is no image of the truth; .*truth\.json"),
    ({"category_id": 999}, r"\[1\]\.category_id 999 is none of the truth's categories .*map the ids"),
    ({"score": float("nan")}, r"\[1\]\.score is nan"),
    ({"score": 1.01}, r"\[1\]\.score is 1\.01; it must be a number in \[0, 1\]"),
    ({"score": -0.1}, r"\[1\]\.score is -0\.1"),
    ({"bbox": [1, 2, -3, 4]}, r"\[1\]\.bbox is \[1.*negative size"),
    ({"bbox": [1, float("inf"), 3, 4]}, r"\[1\]\.bbox is .*finite"),
    ({"bbox": [1, 2, 3]}, r"\$\[1\]\.bbox"),
    ({"score": "0.5"}, r"\$\[1\]\.score"),
    ({"image_id": None}, r"\$\[1\]\.image_id"),
])
def test_a_bad_record_is_named(case, tmp_path, change, complaint):
    path = tmp_path / "detections.json"
    path.write_text(json.dumps([case.detections[0], {**case.detections[1], **change}]))
    with pytest.raises(InputError, match=complaint) as error:
        read_detections(path, case.truth)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


@pytest.mark.parametrize("content", ["", "{}", '{"annotations": []}', "[1]", "[{}]", "nonsense"])
def test_a_file_that_holds_no_results_is_refused(case, tmp_path, content):
    path = tmp_path / "detections.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"detections\.json: not "):
        read_detections(path, case.truth)


def test_a_missing_file_is_refused(case, tmp_path):
    with pytest.raises(InputError, match=r"absent\.json: No such file"):
        read_detections(tmp_path / "absent.json", case.truth)


def test_long_lists_of_categories_are_cut(case, tmp_path):
    path = tmp_path / "d.json"
    write_detections(path, [{**case.detections[0], "category_id": 999}])
    with pytest.raises(InputError, match=r"categories 0, 1, 2, 3, 4, 5, 6, 7, \.\.\.; map"):
        read_detections(path, replace(case.truth, category_ids=tuple(range(80))))
