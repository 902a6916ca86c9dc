import argparse

import pytest

from datasets.command import (
    add_annotation_arguments,
    add_image_arguments,
    add_validation_arguments,
    image_folders,
    read_annotations,
    read_validation,
    split_names,
    train_folder,
)
from datasets.errors import InputError
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
                                   ["dog , traffic light"]])
def test_names_are_parted_by_spaces_or_commas(words):
    if words == ["dog,", "traffic light"]:
        with pytest.raises(InputError, match="an empty name"):
            split_names(words)
    else:
        assert split_names(words) == ["dog", "traffic light"]


def test_validation_has_the_classes_of_training(parse, coco, save):
    path = save(coco)
    args = parse("--annotations", path, "--validation", path, "--wanted-categories", "dog,cat")
    train, _ = read_annotations(args)
    validation, _ = read_validation(args, train)
    assert validation.categories == train.categories == ("dog", "cat")
    assert read_validation(parse("--annotations", path), train) is None


def test_folders_of_images_are_asked_for_where_they_are_not_known(parse, tmp_path):
    write_split(tmp_path, "train", 2)
    path = tmp_path / "annotations/instances_train.json"
    assert train_folder(parse("--annotations", path)) == ""
    assert image_folders(parse("--annotations", path, "--images", "a", "--validation", path)) == ("a", "a")
    assert image_folders(parse("--annotations", path, "--images", "a", "--validation-images", "b")) == ("a", "b")
    with pytest.raises(InputError, match="--images: say in which folder"):
        image_folders(parse("--annotations", path))


def test_a_voc_folder_has_its_images(parse, tmp_path):
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations/1.xml").touch()
    args = parse("--annotations", tmp_path)
    assert train_folder(args) == str(tmp_path) and image_folders(args) == (str(tmp_path), str(tmp_path))
