import json

import pytest
import yaml

from datasets.errors import InputError
from datasets.images import check_images
from study.init.reading import read_folder
from tests import folders


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("write", [folders.write_coco, folders.write_roboflow, folders.write_yolo, folders.write_voc,
                                   folders.write_bdd])
def test_both_splits_are_read_and_their_images_are_there(tmp_path, write):
    root = write(tmp_path / "data", 20, 7)
    reading = read_folder(root)
    assert (reading.train.num_images, reading.validation.num_images) == (20, 7)
    assert reading.layout.validation and reading.train.categories == reading.validation.categories
    check_images(reading.train, root / reading.layout.train.images)
    check_images(reading.validation, root / reading.layout.validation.images)


@pytest.mark.parametrize("write", [folders.write_yolo, folders.write_voc, folders.write_bdd])
def test_a_validation_set_is_held_out_where_there_is_none(tmp_path, write):
    reading = read_folder(write(tmp_path / "data", 60, 0))
    assert reading.train.num_images + reading.validation.num_images == 60 and 2 < reading.validation.num_images < 25
    assert not set(reading.train.file_names) & set(reading.validation.file_names)
    assert ("hold_out", "no validation set there; 20 % of the training images are held out as one, by hash of their "
            "file names") in reading.reasons


def test_a_data_yaml_may_point_elsewhere(tmp_path):
    root = folders.write_yolo(tmp_path / "data", 20, 7)
    (tmp_path / "settings").mkdir()
    content = yaml.safe_load((root / "data.yaml").read_text()) | {"path": str(root)}
    (tmp_path / "settings/data.yaml").write_text(yaml.safe_dump(content))
    reading = read_folder(tmp_path / "settings")
    assert reading.layout.validation and {reading.layout.train.images, reading.layout.validation.images} == {str(root)}
    check_images(reading.validation, tmp_path / "settings" / reading.layout.validation.images)
    assert read_folder(root).layout.train.images == "."


def test_voc_without_its_images_is_refused(tmp_path):
    root = folders.write_voc(tmp_path / "data", 20, 7)
    (root / "JPEGImages").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"none of the images that \. lists is there \(.*in 1 folder\)"):
        read_folder(root)


def test_a_validation_set_that_is_the_training_set_is_none(tmp_path):
    root = folders.write_yolo(tmp_path, 60, 2)
    content = yaml.safe_load((root / "data.yaml").read_text())
    (root / "data.yaml").write_text(yaml.safe_dump(content | {"val": content["train"]}))
    reading = read_folder(root)
    assert reading.layout.validation is None and reading.train.num_images < 60
    assert dict(reading.reasons)["hold_out"].startswith("the validation images are training images; 20 %")
    assert "validation" not in dict(reading.reasons)


def test_like_named_images_in_two_folders_are_two_sets(tmp_path):
    assert read_folder(folders.write_coco(tmp_path / "data", 20, 7)).layout.validation


def test_bdd_s_classes_are_mapped_and_those_without_boxes_left_out(tmp_path):
    reading = read_folder(folders.write_bdd(tmp_path / "data"))
    assert reading.class_map == "bdd"
    assert reading.classes == reading.train.categories == ("car", "traffic light", "traffic sign")


def test_scalabel_files_of_another_domain_are_not_mapped(tmp_path):
    root = folders.write_bdd(tmp_path / "data")
    for path in (root / "labels").iterdir():
        text = path.read_text()
        for name, other in (("car", "apple"), ("traffic light", "pear"), ("traffic sign", "plum")):
            text = text.replace(f'"{name}"', f'"{other}"')
        path.write_text(text)
    reading = read_folder(root)
    assert reading.class_map == "" and reading.train.categories == ("apple", "pear", "plum")


def test_classes_without_a_training_box_are_left_out(tmp_path):
    root = folders.write_coco(tmp_path / "data")
    for split in ("train", "val"):  # as Roboflow's exports begin
        edit(root / f"annotations/instances_{split}.json",
             lambda content: content["categories"].insert(0, {"id": 0, "name": "all"}))
    reading = read_folder(root)
    assert reading.classes == reading.train.categories == reading.validation.categories == ("red", "green", "blue")
    assert dict(reading.reasons)["classes"].startswith("the 3 that have a box")


def test_all_classes_are_kept_where_all_have_boxes(tmp_path):
    reading = read_folder(folders.write_coco(tmp_path / "data"))
    assert reading.classes == () and "classes" not in dict(reading.reasons)


def test_training_without_a_box_is_refused(tmp_path):
    root = folders.write_coco(tmp_path / "data")
    edit(root / "annotations/instances_train.json", lambda content: content["annotations"].clear())
    with pytest.raises(InputError, match=r"instances_train\.json: no box to learn from in 40 training images"):
        read_folder(root)


def test_coco_s_80_classes_are_kept_and_the_20_pointed_out(tmp_path):
    voc = ["airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "dining table", "dog",
           "horse", "motorcycle", "person", "potted plant", "sheep", "couch", "train", "tv", "zebra"]
    root = folders.write_coco(tmp_path / "data", 60, 7)

    def rename(content):
        content["categories"] = [{"id": k, "name": name} for k, name in enumerate(voc)]
        for number, box in enumerate(content["annotations"]):
            box["category_id"] = number % len(voc)

    for split in ("train", "val"):
        edit(root / f"annotations/instances_{split}.json", rename)
    reading = read_folder(root)
    assert len(reading.train.categories) == 21 and reading.class_map == ""
    assert dict(reading.reasons)["class_map"].startswith("none, all 21 classes are kept; class_map: voc would keep")
