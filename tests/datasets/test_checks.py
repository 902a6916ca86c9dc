import shutil

import pytest
from PIL import Image

from datasets.checks import check_boxes, check_files, check_subsets, check_validation, find_leaks
from datasets.errors import InputError
from datasets.formats.coco import read_coco
from datasets.read import read
from tests.small import write_split


@pytest.fixture
def root(tmp_path):
    """Eight training and six validation images."""
    write_split(tmp_path, "train", 8)
    write_split(tmp_path, "val", 6, seed=1)
    return tmp_path


def read_split(root, split):
    return read_coco(root / "annotations" / f"instances_{split}.json")


def records(findings):
    return {finding.rule: finding.records for finding in findings}


def test_boxes_that_repeat_another_and_classes_without_boxes_are_found(coco, save):
    coco["annotations"] += [{"image_id": 3, "category_id": 90, "bbox": [1, 2, 30, 40]},
                            {"image_id": 3, "category_id": 1, "bbox": [1, 2, 30, 40]}]
    assert records(check_boxes(read_coco(save(coco)))) == {
        "repeated box": ["sub/a.jpg [1.0, 2.0, 30.0, 40.0]"], "class without boxes": ["traffic light"]}


def test_crowds_do_not_make_a_class(coco, save):
    assert records(check_boxes(read_coco(save(coco), ["cat", "dog"]))) == {}
    coco["annotations"] = [a for a in coco["annotations"] if a["category_id"] == 90 or a.get("iscrowd")]
    assert records(check_boxes(read_coco(save(coco), ["cat", "dog"]))) == {"class without boxes": ["cat"]}


def test_classes_that_validation_lacks_are_named(coco, save):
    train = read_coco(save(coco), ["cat", "dog"])
    coco["annotations"] = [a for a in coco["annotations"] if a["category_id"] != 90]
    without = read_coco(save(coco), ["cat", "dog"])
    assert records(check_validation(train, without)) == {"class not in validation": ["dog"]}
    assert check_validation(train, train) == []


def test_classes_that_a_subset_lacks_are_named_with_it(coco, save):
    coco["images"] = [{"id": i, "file_name": f"{i}.jpg", "width": 9, "height": 9} for i in range(100)]
    coco["annotations"] = [{"image_id": i, "category_id": 1 if i else 90, "bbox": [0, 0, 5, 5]} for i in range(100)]
    missing = check_subsets(read_coco(save(coco)), [1, 100])
    assert records(missing) == {"class not in subset": ["1 %: dog"]}


def test_absent_unreadable_and_identical_files_are_found(root):
    folder = root / "train"
    (folder / "3.jpg").unlink()
    (folder / "4.jpg").write_bytes(b"no picture")
    shutil.copy(folder / "1.jpg", folder / "6.jpg")
    findings, prints = check_files(read_split(root, "train"), folder)
    assert records(findings) == {"missing file": ["3.jpg"], "unreadable file": ["4.jpg"],
                                 "repeated file": ["6.jpg = 1.jpg"]}
    assert len(prints.sha256) == 8


def test_images_in_both_splits_are_found_with_their_counterparts(root):
    shutil.copy(root / "val/2.jpg", root / "train/5.jpg")
    Image.open(root / "val/4.jpg").save(root / "train/7.jpg", quality=95)
    train, validation = read_split(root, "train"), read_split(root, "val")
    leaks = records(find_leaks(train, root / "train", validation, root / "val", 8))
    assert leaks["leak"] == ["5.jpg = 2.jpg"]
    assert [record.partition(" (")[0] for record in leaks["near leak"]] == ["7.jpg = 4.jpg"]
    assert set(records(find_leaks(train, root / "train", validation, root / "val", -1))) == {"leak"}


def test_an_absent_folder_is_refused(root):
    train = read(root / "annotations/instances_train.json")[0]
    with pytest.raises(InputError, match="no such folder of images"):
        check_files(train, root / "absent")
