import csv
import shutil

import pytest

from datasets.__main__ import main
from tests.small import write_split


@pytest.fixture
def root(tmp_path):
    """Eight training and six validation images, one of them in both."""
    write_split(tmp_path, "train", 8)
    write_split(tmp_path, "val", 6, seed=1)
    shutil.copy(tmp_path / "val/2.jpg", tmp_path / "train/5.jpg")
    return tmp_path


def arguments_of(root):
    return ["check", "--annotations", str(root / "annotations/instances_train.json"), "--images", str(root / "train"),
            "--validation", str(root / "annotations/instances_val.json"), "--validation-images", str(root / "val")]


def test_check_says_what_is_there_and_what_is_wrong(root, capsys):
    assert main([*arguments_of(root), "--csv", str(root / "found.csv")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("train: 8 images, ") and "\nvalidation: 6 images, " in out
    assert "train: 1 training images identical to a validation image" in out and "5.jpg = 2.jpg" in out
    rows = list(csv.DictReader((root / "found.csv").open()))
    assert {"split": "train", "finding": "leak", "action": "kept", "record": "5.jpg = 2.jpg"} in rows


def test_check_says_where_nothing_leaks(root, capsys):
    (root / "train/5.jpg").unlink()
    assert main([*arguments_of(root), "--max-distance", "-1"]) == 0
    out = capsys.readouterr().out
    assert "1 images that are listed but not in the folder" in out
    assert "leaks: 7 training images compared with 6 validation images: 0 in both" in out


def test_check_reads_annotations_alone(coco, save, capsys):
    assert main(["check", "--annotations", str(save(coco))]) == 0
    assert "classes without a box: traffic light" in capsys.readouterr().out


def test_make_makes_once(tmp_path, capsys):
    arguments = ["make", "digits", str(tmp_path / "digits"), "--num-train", "2", "--num-validation", "1"]
    assert main(arguments) == main(arguments) == 0
    assert "made in" in (out := capsys.readouterr().out) and "there already" in out


@pytest.mark.parametrize(("arguments", "fragment"), [
    (["check", "--annotations", "absent.json"], "absent.json: No such file"),
    (["make", "digits", "docs"], "docs: cannot make digits here, it is not empty"),
])
def test_bad_input_is_one_line(arguments, fragment, capsys):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and fragment in err and err.count("\n") == 1
