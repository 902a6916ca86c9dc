"""The command: a table in points for people, rows in [0, 1] for programs, one line for a mistake."""

import json
import subprocess
import sys

import pytest

from datasets.formats.coco import write_coco
from evaluate.__main__ import main
from evaluate.coco import ALL, score
from evaluate.detections import write_detections


@pytest.fixture
def case(case_of):
    return case_of(0)


@pytest.fixture
def arguments(case, tmp_path):
    write_coco(tmp_path / "truth.json", case.truth)
    write_detections(tmp_path / "detections.json", case.detections, case.truth)
    return ["score", "--truth", str(tmp_path / "truth.json"), "--detections", str(tmp_path / "detections.json"),
            "--resamples", "20"]


def test_json_holds_every_figure(case, arguments, capsys):
    assert main([*arguments, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["metrics"]
    printed = {(row["metric"], row["class"]): row["value"] for row in rows}
    expected = score(case.truth, case.detections).values
    assert printed["AP", ALL] == expected["AP", ALL]
    assert printed.keys() == expected.keys()


def test_table_is_in_points_and_says_which_classes_are_left_out(case, arguments, capsys):
    assert main(arguments) == 0
    table = capsys.readouterr().out
    overall = next(line for line in table.splitlines() if line.startswith("all classes"))
    assert f"{100 * score(case.truth, case.detections).values['AP', ALL]:.1f} ±" in overall
    assert "no boxes in the truth: class 0" in table
    assert "nan" not in table and "-1" not in table and "None" not in table


def test_classes_can_be_chosen(case, arguments, capsys):
    """Detections of the others are passed over."""
    name = case.truth.categories[2]
    assert main([*arguments, "--classes", name, "--json"]) == 0
    values = {(r["metric"], r["class"]): r["value"] for r in json.loads(capsys.readouterr().out)["metrics"]}
    assert values["AP", ALL] == values["AP", name] == score(case.truth, case.detections).values["AP", name]


def test_how_many_images_are_answered_for_is_said(case, arguments, tmp_path, capsys):
    assert main(arguments) == 0
    found = case.detections
    assert capsys.readouterr().out.startswith(f"{len(found)} detections in {len(set(found.images))} of 25 images\n")
    (tmp_path / "detections.json").write_text("[]")
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("0 detections in 0 of 25 images\n")


@pytest.mark.parametrize("extra", [["--truth", "absent.json"], ["--detections", "absent.json"], ["--resamples", "-1"],
                                   ["--classes", "no such class"]])
def test_a_mistake_is_one_line(arguments, capsys, extra):
    assert main([*arguments, *extra]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("error: ") and captured.err.count("\n") == 1


def test_scoring_leaves_tensorflow_out(arguments):
    program = ("import sys; from evaluate.__main__ import main; main(sys.argv[1:]);"
               "assert 'tensorflow' not in sys.modules")
    finished = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
