import json
import shutil

import pytest

from datasets.files import read_json
from engine.check import check
from study.data import read_train, read_validation
from study.layout import StudyFolder
from tests.small import make_study, write_dataset


@pytest.fixture
def root(tmp_path):
    return write_dataset(tmp_path / "data")


@pytest.fixture
def folder(tmp_path):
    return StudyFolder(tmp_path / "studies" / "small")


def _check(root, folder) -> dict:
    (dataset,) = make_study(root).datasets
    check(folder, dataset, read_train(dataset), read_validation(dataset))
    return read_json(folder.checks("paint"))


def test_a_clean_data_set_was_compared_and_nothing_found(root, folder):
    found = _check(root, folder)
    assert (found["compared"], found["shared"], found["findings"]) == ([20, 7], 0, [])


def test_a_leak_a_repeated_box_and_an_odd_record_are_found(root, folder):
    shutil.copy(root / "train" / "3.jpg", root / "val" / "2.jpg")
    path = root / "annotations" / "instances_train.json"
    text = json.loads(path.read_text())
    first = text["annotations"][0]
    text["annotations"] += [first | {"id": 9000}, first | {"id": 9001, "image_id": 99}]
    path.write_text(json.dumps(text))
    found = _check(root, folder)
    records = {each["finding"]: (each["split"], each["records"], each["examples"]) for each in found["findings"]}
    assert found["shared"] == 1 and records["leak"] == ("train", 1, ["3.jpg = 2.jpg"])
    assert records["repeated box"][:2] == ("train", 1) and records["absent image"][:2] == ("train", 1)


def test_a_data_set_is_looked_at_once_and_again_when_it_has_changed(root, folder):
    _check(root, folder)
    written = folder.checks("paint").stat().st_mtime_ns
    _check(root, folder)
    assert folder.checks("paint").stat().st_mtime_ns == written
    shutil.copy(root / "train" / "3.jpg", root / "val" / "2.jpg")
    from study import data

    data.image_bytes.cache_clear()
    data._file_size.cache_clear()
    assert _check(root, folder)["shared"] == 1
