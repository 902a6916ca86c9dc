import json
import os
import shlex
import shutil
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.__main__ import main as check
from datasets.errors import InputError
from datasets.images import check_images
from datasets.settings import read_yaml
from study.config import RESERVED, Name
from study.data import cut_orders, image_folder, read_train, read_validation, validation_split
from study.init.write import init, valid_name
from study.layout import StudyFolder
from study.load import load_study
from tests import folders

WRITERS = {
    "coco": (folders.write_coco, (40, 12)), "single": (folders.write_single, (60,)),
    "roboflow": (folders.write_roboflow, (40, 12)),
    "yolo": (folders.write_yolo, (40, 12)), "yolo, no val": (folders.write_yolo, (60, 0)),
    "voc": (folders.write_voc, (40, 12)), "voc, no val": (folders.write_voc, (60, 0)),
    "bdd": (folders.write_bdd, (40, 12)), "bdd, no val": (folders.write_bdd, (60, 0)),
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    """A folder to write the study file to."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.mark.parametrize("name", WRITERS)
def test_the_study_reads_what_was_found(tmp_path, name):
    write, sizes = WRITERS[name]
    root = write(tmp_path / "data", *sizes)
    path, text = init(root)
    study = load_study(path)
    dataset = study.datasets[0]
    train, validation = read_train(dataset), read_validation(dataset)
    check_images(train, image_folder(dataset, dataset.train))
    check_images(validation, image_folder(dataset, validation_split(dataset)))
    assert train.num_images + validation.num_images == sum(sizes)
    assert train.categories == validation.categories and len(train.categories) == 3
    orders = cut_orders(study, StudyFolder(tmp_path / "studies"), dataset, train)
    assert orders[0].sizes[-1] == train.num_images and orders[1].fractions == (study.fractions[0],)
    assert f"{train.num_images:,} images" in text and f"{validation.num_images:,} images" in text


@pytest.mark.parametrize("name", WRITERS)
def test_the_command_that_looks_for_leaks_runs(tmp_path, capsys, name):
    write, sizes = WRITERS[name]
    root = write(tmp_path / "my data", *sizes)
    (command,) = [line for line in _told(root).splitlines() if line.startswith("  python -m datasets check ")]
    assert check(shlex.split(command)[3:]) == 0
    out = capsys.readouterr().out
    assert f"train: {sizes[0]:,} images" in out and "images: not looked at" not in out
    assert (f"leaks: {sizes[0]:,} training images compared with" in out) is (len(sizes) > 1 and sizes[1] > 0)


def test_the_study_file_comes_last(tmp_path, here, monkeypatch):
    def fail(*_):
        raise InputError("unreadable")

    monkeypatch.setattr("study.init.write.missing_images", fail)
    with pytest.raises(InputError, match="unreadable"):
        init(folders.write_coco(tmp_path / "data"))
    assert not list(here.iterdir())


def test_what_is_passed_over_is_told(tmp_path):
    root = folders.write_coco(tmp_path / "data")
    (root / "annotations/captions_val.json").write_text("{}")
    assert "; left alone: annotations/captions_val.json" in _told(root).splitlines()[0]


def test_the_file_says_only_what_matters(tmp_path, here):
    root = folders.write_coco(tmp_path / "My cells (1)")
    path, _ = init(root)
    assert path == Path("My-cells-1.yaml") and (here / path).exists()
    raw = read_yaml(path)
    assert raw["name"] == "My-cells-1" and raw["datasets"] == [
        {"name": "My-cells-1", "root": str(root), "format": "coco",
         "train": {"annotations": "annotations/instances_train.json", "images": "train"},
         "validation": {"annotations": "annotations/instances_val.json", "images": "val"}}]
    assert raw.keys() == {"name", "datasets", "detectors", "fractions", "draws", "seeds", "forecast"}
    comment = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert comment[1] == "#   python run_study.py My-cells-1.yaml"
    assert "#   fractions: 5 10 20 50 100 %, 2 to 40 images;" in "\n".join(comment)


def test_a_relative_folder_is_written_in_full(tmp_path, here):
    root = folders.write_coco(here / "data")
    path, _ = init(Path("data"))
    assert load_study(path).datasets[0].root == str(root)


def test_the_present_folder_has_a_name_too(tmp_path, monkeypatch):
    root = folders.write_coco(tmp_path / "cells")
    monkeypatch.chdir(root)
    assert init(Path("."))[0] == Path("cells.yaml")


def test_name_and_place_may_be_given(tmp_path):
    root = folders.write_coco(tmp_path / "data")
    path, text = init(root, tmp_path / "new/file.yaml", "mine")
    assert path == tmp_path / "new/file.yaml" and f"change it in {path}" in text
    assert (load_study(path).name, load_study(path).datasets[0].name) == ("mine", "data")


def test_a_name_that_no_study_can_have_is_refused(tmp_path, here):
    with pytest.raises(InputError, match="--name: "):
        init(folders.write_coco(tmp_path / "data"), name="../mine")
    assert not list(here.iterdir())


def test_an_existing_file_is_never_overwritten(tmp_path, here):
    root = folders.write_coco(tmp_path / "data")
    (here / "data.yaml").write_text("precious")
    with pytest.raises(InputError, match=r"data\.yaml: there already, and never overwritten; give --out"):
        init(root)
    assert (here / "data.yaml").read_text() == "precious"
    (here / "link.yaml").symlink_to(here / "absent")
    with pytest.raises(InputError, match="there already"):
        init(root, here / "link.yaml")


@pytest.mark.parametrize(("path", "content"), [
    ("train", None), ("annotations", None), ("annotations/instances_val.json", '{"annotations": [], "categories": ['),
])
def test_what_cannot_be_used_leaves_no_file(tmp_path, here, path, content):
    root = folders.write_coco(tmp_path / "data")
    shutil.rmtree(root / "val")  # its images are found in train, which has the same names
    if content is None:
        shutil.rmtree(root / path)
    else:
        (root / path).write_text(content)
    with pytest.raises(InputError) as error:
        init(root)
    assert "\n" not in str(error.value) and not list(here.iterdir())


def test_names_that_yaml_or_a_shell_would_mistake_are_quoted(tmp_path):
    root = folders.write_coco(tmp_path / "a: 'b' # c")
    path, _ = init(root, tmp_path / "my study.yaml")
    assert load_study(path).datasets[0].root == str(root)
    assert "run_study.py '" in path.read_text()


def test_a_folder_whose_name_no_text_can_hold_is_refused(tmp_path):
    with pytest.raises(InputError, match="rename it"):
        init(folders.write_coco(tmp_path / "a\nb"))


@pytest.mark.parametrize("path", ["train", "annotations", "annotations/instances_train.json"])
def test_a_file_whose_name_is_not_utf_8_is_refused(tmp_path, here, path):
    root = folders.write_coco(tmp_path / "data")
    os.rename(root / path, os.fsencode(root / path) + b"\xff" + Path(path).suffix.encode())
    with pytest.raises(InputError, match="rename it"):
        init(root)
    assert not list(here.iterdir())


@given(st.text(max_size=150))
def test_any_text_becomes_a_valid_name(text):
    name = valid_name(text)
    assert msgspec.convert(name, Name) == name and name.casefold() not in RESERVED


@pytest.mark.parametrize(("text", "name"), [
    ("BCCD", "BCCD"), ("my data (v2)", "my-data-v2"), ("", "study"), ("数据", "study"), ("_x_", "x"),
    ("Charts", "Charts-data"), ("2024_set", "2024_set"),
])
def test_a_name_stays_as_it_is_where_it_can(text, name):
    assert valid_name(text) == name


def _told(root) -> str:
    return init(root)[1]


def test_what_may_spoil_the_study_is_told(tmp_path):
    root = folders.write_coco(tmp_path / "data", 60, 12)
    (root / "train/3.jpg").unlink()
    path = root / "annotations/instances_train.json"
    content = json.loads(path.read_text())
    content["annotations"] = [a for a in content["annotations"] if a["category_id"] != 3] + [
        {"image_id": 1, "category_id": 3, "bbox": [0, 0, 20, 20], "area": 400, "iscrowd": 0}]
    path.write_text(json.dumps(content))
    text = _told(root)
    assert "1 training images are listed but absent, and the study would stop there; restore them" in text
    assert "3.jpg" in text
    assert "blue 1" in text.partition("classes of fewer than 30 boxes")[2].partition("\n")[0]
    assert "5 %: blue" in text


def test_small_boxes_are_told(tmp_path):
    root = folders.write_coco(tmp_path / "data")
    assert "below 8 px" not in _told(root)
    path = root / "annotations/instances_train.json"
    content = json.loads(path.read_text())
    for box in content["annotations"][::2]:
        box["bbox"][2:] = [1, 20]
    path.write_text(json.dumps(content))
    Path("data.yaml").unlink()
    assert "51 % of the boxes have a side below 8 px" in _told(root)


def test_images_in_both_splits_are_told(tmp_path):
    root = folders.write_coco(tmp_path / "data")
    shutil.move(root / "train", root / "images")
    for image in (root / "val").iterdir():
        number = int(image.stem)
        image.rename(root / "images" / (image.name if number <= 2 else f"val{number}.jpg"))
    (root / "val").rmdir()
    path = root / "annotations/instances_val.json"
    content = json.loads(path.read_text())
    for image in content["images"][2:]:
        image["file_name"] = f"val{image['file_name']}"
    path.write_text(json.dumps(content))
    assert "2 validation images are training images too, and flatter the result: 1.jpg, 2.jpg" in _told(root)


def test_of_many_classes_the_ends_are_listed(tmp_path):
    root = folders.write_coco(tmp_path / "data", 60, 12)
    for split in ("train", "val"):
        path = root / f"annotations/instances_{split}.json"
        content = json.loads(path.read_text())
        content["categories"] = [{"id": k, "name": f"class{k}"} for k in range(20)]
        for number, box in enumerate(content["annotations"]):
            box["category_id"] = number % 20
        path.write_text(json.dumps(content))
    (line,) = [line for line in _told(root).splitlines() if line.startswith("boxes per class")]
    assert line.count("class") - 1 == 12 and "…" in line
