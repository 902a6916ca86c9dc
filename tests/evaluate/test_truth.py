"""The truth of a file: its classes, and a word about what pycocotools would take otherwise."""

import json

import pytest

from datasets.errors import InputError
from evaluate.truth import read_truth


@pytest.fixture
def content(case_of, tmp_path):
    case = case_of(0)
    case.reference(tmp_path)
    return json.loads((tmp_path / "truth.json").read_text())


def write(path, content):
    path.write_text(json.dumps(content))
    return path


def test_all_classes_or_some(content, tmp_path, capsys):
    path = write(tmp_path / "t.json", content)
    ids = {category["name"]: category["id"] for category in content["categories"]}
    whole, others = read_truth(path)
    assert dict(zip(whole.categories, whole.category_ids)) == ids and others == frozenset()
    some, others = read_truth(path, ["class 2"])
    assert some.category_ids == (ids["class 2"],) and others == set(ids.values()) - {ids["class 2"]}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("change", "note"), [
    ({"bbox": [1, 2, -3, 4]}, "1 boxes of negative width or height: left out"),
    ({"image_id": 99_999}, "1 boxes of an image that is not listed: left out"),
    ({"id": 2}, "1 annotation ids given twice: numbered anew"),
])
def test_what_pycocotools_takes_otherwise_is_noted(content, tmp_path, capsys, change, note):
    content["annotations"][0] |= change
    read_truth(write(tmp_path / "t.json", content))
    assert capsys.readouterr().err == f"note: {tmp_path}/t.json: {note}\n"


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="a folder; name the COCO annotation file .*create_subsets"):
        read_truth(tmp_path)
