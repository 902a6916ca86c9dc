"""The commands that compare: an answer first, then the table; one line for a mistake."""

import json

import msgspec
import numpy as np
import pytest

from datasets.formats.coco import write_coco
from evaluate.__main__ import main
from evaluate.coco import score
from evaluate.compare import compare
from evaluate.detections import Detections, write_detections
from study.config import Repeats
from study.data import read_validation
from study.layout import StudyFolder
from study.matrix import Cell
from study.search import Search
from study.searched import recipe_name
from tests.small import finish, make_study, write_config, write_dataset


def answer(truth, share: float) -> Detections:
    """Return the boxes of the truth, off by a little more in every image, without all but a share of them."""
    rows = np.flatnonzero(np.arange(truth.num_boxes) % 10 < 10 * share)
    images = truth.image_of_box()[rows]
    shift = (images[:, None] % 5) * np.array([1.0, 1.0, 0.0, 0.0])
    return Detections(images.astype(np.int32), truth.classes[rows].astype(np.int32), truth.boxes[rows] + shift,
                      np.linspace(0.9, 0.1, len(rows)))


@pytest.fixture
def files(case_of, tmp_path):
    """The arguments for two files, the second much better."""
    truth = case_of(0, images=60, crowd=0).truth
    write_coco(tmp_path / "truth.json", truth)
    for name, share in (("weak", 0.3), ("strong", 1.0)):
        write_detections(tmp_path / f"{name}.json", answer(truth, share), truth)
    return ["compare", "--truth", str(tmp_path / "truth.json"), "--resamples", "40",
            "--detections", str(tmp_path / "weak.json"), str(tmp_path / "strong.json")]


def test_the_answer_comes_first_and_the_table_after(files, capsys):
    assert main(files) == 0
    text = capsys.readouterr().out
    assert text.startswith("Yes, strong is better than weak: by ")
    assert [line.split()[0] for line in text.splitlines()[2:4]] == ["AP", "all"] and "AP50" in text
    assert "nan" not in text and "None" not in text


def test_json_holds_the_rows(files, case_of, capsys):
    assert main([*files, "--json", "--resample-seed", "5"]) == 0
    truth = case_of(0, images=60, crowd=0).truth
    rows = json.loads(capsys.readouterr().out)["differences"]
    expected = compare(score(truth, answer(truth, 0.3)), score(truth, answer(truth, 1.0)), 40, 5)
    assert [row["metric"] for row in rows] == [row["metric"] for row in expected]
    assert rows[0]["stderr"] == pytest.approx(expected[0]["stderr"]) and rows[1]["value"] is None


@pytest.mark.parametrize("extra,message", [
    (["--resamples", "-1"], "must not be negative"), (["--truth", "absent.json"], "absent.json"),
    (["--detections", "a.json", "a.json"], "a.json: given twice"), (["--classes", "elk"], "elk"),
])
def test_a_mistake_is_one_line(files, extra, message, capsys):
    assert main([*files, *extra]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and message in captured.err


@pytest.fixture
def runs(tmp_path):
    """The arguments for a study with two draws of 10 %, one searched too, and one of 50 %; 100 % is not trained."""
    study = make_study(write_dataset(tmp_path / "data", validation=60), draws=Repeats(count=2),
                       search=Search(space={"learning_rate": [0.1]}))
    folder = StudyFolder(tmp_path / "studies" / "small")
    truth = read_validation(study.datasets[0])
    for fraction, draw, share, value, searched in ((10.0, 0, 0.3, 0.31, False), (10.0, 1, 0.4, 0.33, False),
                                                   (10.0, 0, 0.9, 0.7, True), (50.0, 0, 1.0, 0.8, False)):
        cell, row = Cell(fraction, "paint", "tiny", draw, 0, searched), {"metric": "AP", "class": "", "value": value}
        run = finish(study, folder, cell, {
            "cell": msgspec.to_builtins(cell), "recipe": recipe_name(study, cell), "images": 2, "boxes": 5,
            "steps": 500, "checkpoint": "ckpt-500", "train_seconds": 1.0, "evaluate_seconds": 1.0, "metrics": [row]})
        write_detections(run.detections, answer(truth, share), truth)
    return ["compare-runs", str(write_config(tmp_path / "study.yaml", study)), "paint", "tiny",
            "--studies", str(tmp_path / "studies"), "--resamples", "40"]


def test_two_sizes_of_a_study_are_compared_and_the_noise_between_runs_is_told(runs, capsys):
    assert main([*runs, "10", "50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Yes, 50 % is better than 10 %: by ")
    assert lines[1] == ("Runs of 10 % differ by 1.4 points of AP where only the draw of the images differs (standard "
                        "deviation).")
    assert lines[2].startswith("There is one run of 50 %") and lines[4].startswith("AP  ")


def test_runs_are_compared_as_their_files_are(runs, tmp_path, capsys):
    assert main([*runs, "10", "50", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["differences"]
    folder = tmp_path / "studies" / "small" / "paint" / "runs" / "tiny"
    annotations = tmp_path / "data" / "annotations" / "instances_val.json"
    assert main(["compare", "--truth", str(annotations), "--resamples", "40", "--json", "--detections",
                 *(str(folder / size / "draw-0" / "seed-0" / "detections.json") for size in ("10", "50"))]) == 0
    assert json.loads(capsys.readouterr().out)["differences"] == rows


@pytest.mark.parametrize("cells,message", [
    (["10", "10"], "10 % draw 0 seed 0: given twice"),
    (["10", "100"], "100 % draw 0 seed 0: not evaluated by this version"),
    (["10", "33"], "the study has no run"), (["10", "50", "1"], "the study has no run"),
    (["0", "50"], "outside (0, 100]"),
])
def test_runs_that_are_not_there_are_one_line(runs, cells, message, capsys):
    assert main([*runs, *cells]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and message in captured.err


def test_detections_whose_result_is_gone_or_of_other_inputs_are_not_compared(runs, tmp_path, capsys):
    result = tmp_path / "studies/small/paint/runs/tiny/10/draw-0/seed-0/result.json"
    result.write_text(result.read_text().replace('"fingerprint": "', '"fingerprint": "0'))
    assert main([*runs, "10", "50"]) == 2
    assert "not evaluated by this version yet, or its inputs changed" in capsys.readouterr().err


def test_detections_of_other_classes_are_passed_over(files, case_of, capsys):
    name = case_of(0, images=60, crowd=0).truth.categories[2]
    assert main([*files, "--json"]) == 0
    rows = {(row["metric"], row["class"]): row for row in json.loads(capsys.readouterr().out)["differences"]}
    assert main([*files, "--classes", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differences"][1]["value"] == rows["AP", name]["value"]


def test_two_draws_of_a_size_are_compared(runs, capsys):
    assert main([*runs, "10", "10", "--other-draw", "1"]) == 0
    assert "draw 1 " in capsys.readouterr().out.splitlines()[0]


def test_a_run_is_compared_with_the_same_after_a_search(runs, capsys):
    assert main([*runs, "10", "10", "--other-searched"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Yes, searched is better than not searched: by ")
    assert lines[1].startswith("Runs of not searched differ by 1.4 points")
    assert lines[2].startswith("There is one run of searched: ")


@pytest.mark.parametrize("extra,message", [
    (["--other-detector", "large"], "large"), (["--other-seed", "3"], "the study has no run"),
])
def test_another_run_that_is_not_there_is_one_line(runs, extra, message, capsys):
    assert main([*runs, "10", "10", *extra]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and message in captured.err
