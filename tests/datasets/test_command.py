import argparse
import json

import pytest

from datasets.command import (
    add_annotation_arguments,
    add_image_arguments,
    add_validation_arguments,
    image_folders,
    read_annotations,
    read_validation,
    split_names,
)
from datasets.errors import InputError
from tests.folders import write_yolo
from tests.small import write_split


@pytest.fixture
def parse():
    def arguments(*words):
        parser = argparse.ArgumentParser()
        add_annotation_arguments(parser)
        add_validation_arguments(parser)
        add_image_arguments(parser)
        return parser.parse_args([str(word) for word in words])
    return arguments


@pytest.mark.parametrize("flag", ["--annotations", "--json-path", "--original-json-path"])
@pytest.mark.parametrize("kind", [["--format", "coco"], ["--dataset-format", "COCO"], []])
def test_flags_of_2019_name_the_same(parse, coco, save, flag, kind):
    train, report = read_annotations(parse(flag, save(coco), *kind))
    assert (train.num_images, report.format) == (3, "coco")


@pytest.mark.parametrize("words", [["dog", "traffic light"], ["dog,traffic light"], ["dog,", "traffic light"],
                                   ["dog , traffic light"], ["dog", "traffic light,"]])
def test_names_are_parted_by_spaces_or_commas(words):
    assert split_names(words) == ["dog", "traffic light"]


@pytest.mark.parametrize("words", [[""], [","], ["dog,,cat"], ["dog, ,cat"], ["dog,,", "cat"]])
def test_a_name_may_not_be_empty(words):
    with pytest.raises(InputError, match="an empty name"):
        split_names(words)


def test_validation_has_the_classes_of_training(parse, coco, save):
    path = save(coco)
    args = parse("--annotations", path, "--validation", path, "--wanted-categories", "dog,cat")
    train, _ = read_annotations(args)
    validation, _ = read_validation(args, train)
    assert validation.categories == train.categories == ("dog", "cat")
    assert read_validation(parse("--annotations", path), train) is None


def test_a_class_that_validation_lacks_has_no_boxes_there(parse, coco, save, tmp_path):
    train, _ = read_annotations(parse("--annotations", save(coco)))
    coco["categories"] = [c for c in coco["categories"] if c["name"] != "dog"]
    coco["annotations"] = [a for a in coco["annotations"] if a["category_id"] != 90]
    (tmp_path / "val.json").write_text(json.dumps(coco))
    validation, _ = read_validation(parse("--annotations", save(coco), "--validation", tmp_path / "val.json"), train)
    assert validation.categories == train.categories and len(set(validation.category_ids)) == 3
    assert validation.categories.index("dog") not in validation.classes


def test_validation_goes_through_the_class_map_and_is_as_strict(parse, coco, save, tmp_path):
    (tmp_path / "map.yaml").write_text("classes: {animal: [cat, dog]}")
    coco["annotations"][0]["bbox"] = [1, 2, -3, 4]
    words = ["--annotations", save(coco), "--validation", save(coco), "--class-map", tmp_path / "map.yaml"]
    train, _ = read_annotations(parse(*words))
    assert read_validation(parse(*words), train)[0].categories == ("animal",)
    with pytest.raises(InputError, match="--strict"):
        read_validation(parse(*words, "--strict"), train)


def test_the_validation_split_of_a_folder_is_val(parse, tmp_path):
    write_yolo(tmp_path / "yolo", train=6, validation=3)
    args = parse("--annotations", tmp_path / "yolo", "--validation", tmp_path / "yolo")
    train, _ = read_annotations(args)
    validation, _ = read_validation(args, train)
    assert (train.num_images, validation.num_images) == (6, 3)
    assert image_folders(args, train, validation) == (str(tmp_path / "yolo"), str(tmp_path / "yolo"))
    args = parse("--annotations", tmp_path / "yolo/data.yaml", "--validation-split", "valid")
    assert read_validation(args, train)[0].file_names == validation.file_names


def test_folders_of_images_are_asked_for_where_they_are_not_known(parse, tmp_path):
    write_split(tmp_path, "train", 2)
    path = tmp_path / "annotations/instances_train.json"
    train, _ = read_annotations(parse("--annotations", path))
    assert image_folders(parse("--annotations", path, "--images", "a"), train, train) == ("a", "a")
    assert image_folders(parse("--annotations", path, "--images", "a", "--validation-images", "b"), train,
                         train) == ("a", "b")
    with pytest.raises(InputError, match="--images: say in which folder"):
        image_folders(parse("--annotations", path), train, train)
