"""The commands: pictures of files that a user brings, and of an evaluated run of a study; one line for a mistake."""

import json
import subprocess
import sys

import pytest

from datasets.files import write_json
from datasets.formats.coco import read_coco
from evaluate.__main__ import main
from study.layout import StudyFolder
from study.matrix import Cell
from tests.small import finish, make_study, write_config, write_dataset

BOTH = {f"{kind}.{suffix}" for kind in ("precision_recall", "mistakes", "detections") for suffix in ("png", "svg")}


@pytest.fixture
def root(tmp_path):
    """A data set whose validation images have detections: every box, in the place of the next one's class."""
    root = write_dataset(tmp_path / "data")
    truth = read_coco(root / "annotations/instances_val.json")
    write_json(root / "detections.json", [
        {"image_id": int(truth.image_ids[i]), "category_id": 1 + k % 3, "bbox": box, "score": 0.9 - 0.01 * i}
        for i, k, box in zip(truth.image_of_box().tolist(), truth.classes.tolist(), truth.boxes.tolist())])
    return root


@pytest.fixture
def files(root, tmp_path):
    return ["pictures", "--truth", str(root / "annotations/instances_val.json"), "--detections",
            str(root / "detections.json"), "--out", str(tmp_path / "out")]


@pytest.fixture
def cell(root, tmp_path):
    """Return the arguments of a cell whose training and evaluation are given out as done, and its run."""
    study, folder = make_study(root), StudyFolder(tmp_path / "studies/small")
    run = finish(study, folder, Cell(50.0, "paint", "tiny"), {})
    run.detections.write_bytes((root / "detections.json").read_bytes())
    return ["pictures-run", str(write_config(tmp_path / "study.yaml", study)), "paint", "tiny", "50", "--studies",
            str(tmp_path / "studies")], run


def names(folder):
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


@pytest.mark.parametrize("with_images", [False, True])
def test_files_of_ones_own(files, root, tmp_path, capsys, with_images):
    assert main([*files, *(["--images", str(root / "val")] if with_images else [])]) == 0
    expected = BOTH if with_images else {name for name in BOTH if name.startswith("precision_recall")}
    assert names(tmp_path / "out") == expected
    assert capsys.readouterr().out.splitlines()[0] == f"wrote {tmp_path / 'out/precision_recall.png'}"


def test_detections_of_classes_that_are_not_asked_for_are_passed_over(files, root, tmp_path):
    name = read_coco(root / "annotations/instances_val.json").categories[0]
    assert main([*files, "--classes", name]) == 0
    assert names(tmp_path / "out") == {"precision_recall.png", "precision_recall.svg"}


def test_the_score_decides_what_is_shown(files, root, tmp_path, capsys):
    arguments = [*files, "--images", str(root / "val"), "--min-score"]
    assert main([*arguments, "0.3"]) == 0
    shown = (tmp_path / "out/mistakes.svg").read_bytes(), (tmp_path / "out/precision_recall.svg").read_bytes()
    assert main([*arguments, "1"]) == 0
    assert shown[0] != (tmp_path / "out/mistakes.svg").read_bytes()
    assert shown[1] == (tmp_path / "out/precision_recall.svg").read_bytes()


def test_an_evaluated_cell_has_its_pictures_in_its_run(cell):
    arguments, run = cell
    assert main(arguments) == 0
    assert names(run.pictures) == BOTH
    write_json(run.tuning, {"images": 2, "finished": True, "best": {"step": 9, "ap": 0.5},
                            "looks": [{"step": 9, "ap": 0.5}]})
    assert main(arguments) == 0
    assert names(run.pictures) == BOTH | {"steps.png", "steps.svg"}


def test_a_cell_that_is_not_evaluated_is_refused(cell, capsys):
    arguments, run = cell
    run.result.unlink()
    assert main(arguments) == 2
    said = "not evaluated by this version yet, or its inputs changed; run evaluate/evaluate_subset.sh"
    assert f"draw 0 seed 0: {said}" in capsys.readouterr().err
    assert main([*arguments[:4], "100", *arguments[5:]]) == 2
    assert f"100 % draw 0 seed 0: {said}" in capsys.readouterr().err
    write_json(run.result, {"fingerprint": "of another version"})
    assert main(arguments) == 2
    assert said in capsys.readouterr().err and not run.pictures.exists()


@pytest.mark.parametrize(("extra", "fragment"), [
    (["--truth", "absent.json"], "absent.json: "), (["--detections", "absent.json"], "absent.json: "),
    (["--images", "absent"], "--images absent: no such folder"), (["--min-score", "1.5"], "--min-score 1.5: give"),
    (["--min-score", "nan"], "--min-score nan: give"), (["--classes", "no such class"], "no such class"),
    (["--images", "."], "--images .: none of the "), (["--images", "."], "give the folder that their file names start"),
])
def test_a_mistake_is_one_line_and_nothing_is_written(files, tmp_path, capsys, extra, fragment):
    assert main([*files, *extra]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1 and fragment in captured.err
    assert captured.out == "" and not (tmp_path / "out").exists()


@pytest.mark.parametrize("score", ["-0.1", "nan"])
def test_a_run_has_the_same_scores(cell, capsys, score):
    arguments, run = cell
    assert main([*arguments, "--min-score", score]) == 2
    assert "--min-score" in capsys.readouterr().err and not run.pictures.exists()


@pytest.mark.parametrize(("command", "arguments"), [
    ("pictures", []), ("pictures", ["--truth", "t.json"]), ("pictures", ["--truth", "t", "--detections", "d"]),
    ("pictures", ["study.yaml", "paint", "tiny", "50"]), ("pictures-run", []),
    ("pictures-run", ["study.yaml", "paint"]), ("pictures-run", ["study.yaml", "paint", "tiny", "many"]),
])
def test_each_command_wants_its_own_arguments(capsys, command, arguments):
    with pytest.raises(SystemExit) as error:
        main([command, *arguments])
    assert error.value.code == 2 and f"see python -m evaluate {command} --help" in capsys.readouterr().err


def test_drawing_leaves_tensorflow_out(files, root):
    program = ("import sys; from evaluate.__main__ import main; assert main(sys.argv[1:]) == 0;"
               "assert 'tensorflow' not in sys.modules")
    finished = subprocess.run([sys.executable, "-c", program, *files, "--images", str(root / "val")],
                              capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


def test_no_detections_at_all_are_no_mistake(files, root, tmp_path):
    (root / "detections.json").write_text(json.dumps([]))
    assert main([*files, "--images", str(root / "val")]) == 0
    assert names(tmp_path / "out") == BOTH
