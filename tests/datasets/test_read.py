import json

import pytest

from datasets.errors import InputError
from datasets.read import FORMATS, has_splits, read, recognise

SCALABEL = [{"name": "a.jpg", "labels": [{"category": "car", "box2d": {"x1": 1, "y1": 2, "x2": 10, "y2": 20}}]}]
FILES = {
    "coco": [{"images": [], "annotations": []}, {"info": {}, "images": []}, {"annotations": []}, {"categories": []}],
    "bdd": [SCALABEL, [], {"frames": SCALABEL}, {"groups": None, "frames": []}, {"config": {}},
            {"name": "a", "frames": [{"objects": []}]}],
}


@pytest.fixture
def make(tmp_path):
    def write(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path
    return write


@pytest.mark.parametrize(("format", "content"), [(f, content) for f in FILES for content in FILES[f]])
@pytest.mark.parametrize("indent", [None, 4])
def test_files_are_recognised_by_content(tmp_path, format, content, indent):
    (tmp_path / "labels").write_text("\n " + json.dumps(content, indent=indent))
    assert recognise(tmp_path / "labels") == format and not has_splits(tmp_path / "labels")


@pytest.mark.parametrize(("names", "format", "splits"), [
    (["data.yaml"], "yolo", True), (["data.yml", "train/a.xml"], "yolo", True), (["Annotations/a.xml"], "voc", False),
    (["Annotations/a.xml", "ImageSets/Main/train.txt"], "voc", True), (["a.xml"], "voc", False),
    (["train/a.xml", "valid/b.xml"], "voc", True), (["det_train.json", "det_val.json"], "bdd", True),
])
def test_folders_are_recognised_by_what_is_in_them(make, names, format, splits):
    folder = make(*names)
    assert (recognise(folder), has_splits(folder)) == (format, splits)


def test_a_yaml_is_yolo_s(make):
    assert recognise(make("my.yaml") / "my.yaml") == "yolo"


def test_a_folder_of_coco_files_is_not_taken_for_bdd(tmp_path):
    (tmp_path / "_annotations.coco.json").write_text(json.dumps({"info": {}, "images": []}))
    with pytest.raises(InputError, match=r"a folder with COCO files; name the file itself, .*_annotations\.coco\.json"):
        recognise(tmp_path)


@pytest.mark.parametrize(("name", "message"), [("", "neither data.yaml"), ("a.xml", "name the folder it is in"),
                                               ("absent.json", "No such file")])
def test_anything_else_is_refused(make, name, message):
    folder = make("images/a.jpg")
    with pytest.raises(InputError, match=message):
        recognise(folder / name)


def test_the_format_may_be_named(coco, save):
    assert read(save(coco), format="COCO")[1].format == "coco"
    with pytest.raises(InputError, match="no annotation format 'coca'; did you mean 'coco'"):
        read(save(coco), format="coca")
    for wrong in set(FORMATS) - {"coco"}:
        with pytest.raises(InputError, match=r"a\.json"):
            read(save(coco), format=wrong)


def test_a_file_is_read_by_its_format(tmp_path):
    (tmp_path / "det.json").write_text(json.dumps(SCALABEL))
    annotations, report = read(tmp_path / "det.json", class_map="bdd", classes=["car"])
    assert annotations.boxes.tolist() == [[1, 2, 10, 19]] and report.format == "bdd"


def test_a_coco_file_has_no_splits(coco, save):
    with pytest.raises(InputError, match="has no splits; leave 'val' out"):
        read(save(coco), split="val")
