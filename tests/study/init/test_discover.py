import json
import os
import shutil

import pytest
import yaml

from datasets.errors import InputError
from study.config import Split
from study.init.discover import discover, find_images, list_folder, role_of
from tests import folders
from tests.small import write_dataset

WRITERS = {
    "coco": (folders.write_coco, "annotations/instances_train.json", "annotations/instances_val.json"),
    "single": (folders.write_single, "labels.json", None),
    "roboflow": (folders.write_roboflow, "train/_annotations.coco.json", "valid/_annotations.coco.json"),
    "yolo": (folders.write_yolo, "data.yaml", "data.yaml"),
    "voc": (folders.write_voc, ".", "."),
    "bdd": (folders.write_bdd, "labels/bdd100k_labels_images_train.json", "labels/bdd100k_labels_images_val.json"),
}


def find(root):
    return discover(root, list_folder(root))


@pytest.mark.parametrize("name", WRITERS)
def test_a_data_set_is_recognised_where_it_lies(tmp_path, name):
    write, train, validation = WRITERS[name]
    layout = find(write(tmp_path / "data"))
    assert layout.format == (name if name in ("yolo", "voc", "bdd") else "coco")
    assert layout.train.annotations == train
    assert (layout.validation and layout.validation.annotations) == validation


@pytest.mark.parametrize("write", [folders.write_yolo, folders.write_voc, folders.write_bdd])
def test_without_validation_there_is_none(tmp_path, write):
    assert find(write(tmp_path / "data", 10, 0)).validation is None


def test_the_test_split_is_left_alone(tmp_path):
    assert find(folders.write_roboflow(tmp_path / "data")).unused == ("test/_annotations.coco.json",)


@pytest.mark.parametrize("write", [folders.write_coco, folders.write_voc, folders.write_bdd])
def test_a_folder_deeper_down_is_found(tmp_path, write):
    write(tmp_path / "download/data")
    layout = find(tmp_path / "download")
    assert layout.train.annotations.startswith("data") and layout.validation is not None


def test_other_files_of_coco_are_not_of_detection(tmp_path):
    root = folders.write_coco(tmp_path / "data")
    train = json.loads((root / "annotations/instances_train.json").read_text())
    (root / "annotations/person_keypoints_train.json").write_text(json.dumps(train))
    (root / "annotations/captions_train.json").write_text(json.dumps({"images": train["images"], "annotations": []}))
    (root / "annotations/results.json").write_text(json.dumps([{"image_id": 1, "score": 0.5}]))
    (root / "package.json").write_text(json.dumps({"name": "data"}))
    layout = find(root)
    assert layout.train.annotations == "annotations/instances_train.json"
    assert sorted(layout.unused) == ["annotations/captions_train.json", "annotations/person_keypoints_train.json",
                                     "annotations/results.json", "package.json"]


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("size", [0, 1, 500, 5000, -1])
def test_a_file_that_is_cut_off_is_named(tmp_path, split, size):
    root = folders.write_coco(tmp_path / "data")
    path = root / f"annotations/instances_{split}.json"
    content = path.read_text()
    path.write_text(f"{content[:size].rstrip('}] ')} \n")
    with pytest.raises(InputError, match=rf"instances_{split}\.json: cut off, .*; download it again or move it away"):
        find(root)


def test_a_file_may_end_with_blanks(tmp_path):
    root = folders.write_coco(tmp_path / "data")
    for path in (root / "annotations").iterdir():
        path.write_text(f"{path.read_text()}\r\n \n")
    assert str(find(root)) == "annotations/instances_train.json with annotations/instances_val.json"


@pytest.mark.parametrize("write", [folders.write_yolo, folders.write_voc])
def test_json_files_beside_another_format_are_told(tmp_path, write):
    root = write(tmp_path / "data")
    (root / "info.json").write_text("{}")
    (root / "polygons").mkdir()
    for number in range(25):
        (root / f"polygons/{number}.json").write_text('{"shapes": []}')
    assert sorted(find(root).unused) == ["info.json", "polygons/*.json"]


def test_other_yaml_and_xml_files_are_no_data_sets(tmp_path):
    root = folders.write_coco(tmp_path / "data")
    (root / "study.yaml").write_text("name: x\n")
    (root / "broken.yaml").write_text("a: [")
    (root / "workspace.xml").write_text("<project/>")
    assert find(root).format == "coco"


def test_a_broken_data_yaml_is_named(tmp_path):
    (tmp_path / "data.yaml").write_text("train: [")
    with pytest.raises(InputError, match=r"data\.yaml: not valid YAML"):
        find(tmp_path)


def test_a_folder_with_a_file_per_image_is_one_set_of_annotations(tmp_path):
    for split in ("train", "val"):
        (tmp_path / "labels" / split).mkdir(parents=True)
        for number in range(25):
            content = {"name": f"{number}", "frames": [{"objects": [{"category": "car", "box2d": {}}]}]}
            (tmp_path / "labels" / split / f"{number}.json").write_text(json.dumps(content))
    layout = find(tmp_path)
    assert (layout.format, str(layout)) == ("bdd", "labels/train with labels/val")


@pytest.mark.parametrize(("lists", "train", "validation"), [
    (("train", "val"), "train", "val"), (("train", "valid"), "train", "val"), (("trainval", "test"), "trainval", None),
    (("train", "test"), "train", None), (("aeroplane_train",), "", None), ((), "", None),
])
def test_voc_s_lists_tell_its_splits(tmp_path, lists, train, validation):
    root = folders.write_voc(tmp_path, 4, 0)
    for name in lists:
        (root / f"ImageSets/Main/{name}.txt").write_text("train_1\n")
    layout = find(root)
    assert layout.train.split == train and (layout.validation and layout.validation.split) == validation


def test_voc_exports_with_a_folder_per_split(tmp_path):
    root = folders.write_voc(tmp_path, 6, 3)
    for split, name in (("train", "train"), ("val", "valid")):
        (root / name).mkdir()
        for path in [*root.glob(f"*/{split}_*.xml"), *root.glob(f"*/{split}_*.jpg")]:
            path.rename(root / name / path.name)
    for name in ("Annotations", "JPEGImages", "ImageSets"):
        shutil.rmtree(root / name)
    assert str(find(root)) == "train with valid"


@pytest.mark.parametrize(("val", "expected"), [
    ("images/val", True), ("../images/val", True), ("images/absent", False), (None, False), (["images/val"], True),
    (["images/val", "images/absent"], False), (5, False),
])
def test_a_yolo_validation_set_has_to_be_there(tmp_path, val, expected):
    root = folders.write_yolo(tmp_path, 4, 2)
    content = yaml.safe_load((root / "data.yaml").read_text()) | {"val": val}
    (root / "data.yaml").write_text(yaml.safe_dump(content))
    assert (find(root).validation is not None) is expected


@pytest.mark.parametrize("years", [("2014", "2017"), ("2014",)])
def test_several_data_sets_are_not_guessed_between(tmp_path, years):
    root = folders.write_coco(tmp_path / "data")
    for year in years:
        shutil.copy(root / "annotations/instances_train.json", root / f"annotations/instances_train{year}.json")
    with pytest.raises(InputError) as error:
        find(root)
    assert str(error.value).startswith(f"{root}: {len(years) + 1} data sets it could be: ")
    assert "instances_train2014.json with annotations/instances_val.json (coco)" in str(error.value)
    assert "write the study file by hand" in str(error.value) and "\n" not in str(error.value)


def test_formats_side_by_side_are_not_guessed_between(tmp_path):
    folders.write_yolo(tmp_path / "a")
    folders.write_coco(tmp_path / "b")
    with pytest.raises(InputError, match=r"2 data sets it could be: .*\(coco\), a/data.yaml \(yolo\)"):
        find(tmp_path)


def test_nothing_recognised_says_what_was_looked_for(tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match=r"no annotations recognised; looked for COCO .* YOLO .* VOC .* BDD"):
        find(tmp_path)


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(InputError, match=r"a\.json: a file; give the folder"):
        list_folder(tmp_path / "a.json")
    with pytest.raises(InputError, match="no such folder"):
        list_folder(tmp_path / "absent")


def test_a_disk_is_not_searched(tmp_path, monkeypatch):
    monkeypatch.setattr("study.init.discover.FOLDERS", 10)
    for number in range(12):
        (tmp_path / str(number)).mkdir()
    with pytest.raises(InputError, match="more than 10 folders; give the one"):
        list_folder(tmp_path)


def test_links_in_circles_end(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/again").symlink_to(tmp_path)
    assert max(place.count("/") for place, _ in list_folder(tmp_path)) <= 4


@pytest.mark.parametrize(("path", "role"), [
    ("annotations/instances_train2017.json", "train"), ("valid/_annotations.coco.json", "val"), ("train", "train"),
    ("labels/det_20/det_val.json", "val"), ("train/labels.json", "train"), ("images/100k/test", "test"), (".", ""),
    ("train_val.json", ""), ("trainval.json", ""), ("train/val.json", "val"), ("training/set", "train"),
])
def test_a_path_says_its_split(path, role):
    assert role_of(path) == role


NAMES = [f"{number}.jpg" for number in range(1, 8)]


@pytest.fixture
def painted(tmp_path):
    return write_dataset(tmp_path / "data", 7, 7)


def images_of(root, annotations="annotations/instances_train.json", names=NAMES, split=""):
    places = [place for place, _ in list_folder(root)]
    return find_images(root, places, names, Split(annotations=annotations, images="", split=split))


def test_images_are_where_their_names_are_and_the_split_decides_between_two(painted):
    assert images_of(painted) == "train"
    assert images_of(painted, "annotations/instances_val.json") == "val"
    assert images_of(painted, "data.yaml", split="val") == "val"
    assert images_of(painted, names=[f"train/{name}" for name in NAMES]) == "."


def test_most_names_decide_even_where_some_images_are_absent(painted):
    (painted / "train/1.jpg").unlink()
    for name in NAMES[2:]:
        (painted / "val" / name).unlink()
    assert images_of(painted, "annotations/instances_val.json") == "train"


def test_linked_images_are_found(painted, tmp_path):
    (painted / "train").rename(tmp_path / "elsewhere")
    shutil.rmtree(painted / "val")
    (painted / "pictures").symlink_to(tmp_path / "elsewhere")
    assert images_of(painted) == "pictures"


def test_images_that_are_nowhere_are_named(painted):
    with pytest.raises(InputError, match=r"none of the images that a\.json lists is there \(x\.jpg was looked for"):
        images_of(painted, "a.json", ["x.jpg", "y.jpg"])


def test_annotations_without_images_are_named(painted):
    with pytest.raises(InputError, match=r"a\.json: lists no images"):
        images_of(painted, "a.json", [])


def test_pipes_and_links_to_nowhere_are_passed_over(tmp_path):
    root = folders.write_coco(tmp_path / "data")
    for name in ("a.json", "data.yaml", "a.xml"):
        os.mkfifo(root / name)
        (root / f"b{name}").symlink_to(root / "absent")
    assert find(root).format == "coco"


def test_two_folders_alike_are_not_guessed_between(painted):
    with pytest.raises(InputError, match=r"the images that a\.json lists are in train and in val"):
        images_of(painted, "a.json")
