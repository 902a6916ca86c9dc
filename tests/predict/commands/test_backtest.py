import csv
import json

import pytest

from predict.__main__ import main
from predict.backtest import DEFAULT
from predict.tables import PUBLISHED_2019
from tests.predict.results import write_results

MODELS = ["--models", "M2", "logarithm"]


def test_tables_for_people(capsys):
    assert main(["backtest", str(PUBLISHED_2019), "--dataset", "COCO", *MODELS]) == 0
    out, err = capsys.readouterr()
    assert "72 forecasts by each model, from 16 prefixes of 2 curves (mAP in points)" in out
    assert {line.split()[0] for line in out.splitlines() if line} >= {DEFAULT.split()[0], "M2", "logarithm"}
    assert "±" in out and "R^2" not in out and "R²" not in out and "row of 0 images" in err


def test_json_is_strict_and_holds_every_forecast(capsys):
    arguments = ["--dataset", "COCO", "--detector", "ssd_mobilenet_v2", *MODELS, "--json"]
    assert main(["backtest", str(PUBLISHED_2019), *arguments]) == 0

    def refuse(constant):
        raise AssertionError(constant)

    answer = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert len(answer["backtest"]) == 3 * (8 + 7 + 6 + 5 + 4 + 3 + 2 + 1)
    assert [row["fitted_sizes"] for row in answer["prefixes"]] == list(range(2, 10))
    by_model = {row["model"]: row for row in answer["models"]}
    assert by_model["M2"]["width_80"] is None and by_model[DEFAULT]["width_80"] > 0
    assert by_model[DEFAULT]["held_stderr_80"] is None  # one curve


def test_files_under_out(tmp_path):
    path = write_results(tmp_path / "results.csv")
    assert main(["backtest", str(path), "--models", "M2", "--out", str(tmp_path / "out")]) == 0
    rows = list(csv.DictReader((tmp_path / "out/backtest.csv").open()))
    assert len(rows) == 4 * 2 * 3  # curves, models, later sizes of two prefixes
    assert {row["lo-80"] for row in rows if row["model"] == "M2"} == {""}
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        f"{name}.{kind}" for name, kinds in (("models", "csv json"), ("prefixes", "csv json"),
                                             ("backtest", "csv json png svg")) for kind in kinds.split()}


def test_curves_too_short_are_named_and_left_out(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("images,a,b\n100,0.1,0.1\n200,0.2,0.2\n400,0.3,\n")
    assert main(["backtest", str(path), *MODELS]) == 0
    assert "left out: " in (said := " ".join(capsys.readouterr().err.split())) and "b: 2 subset sizes" in said


def test_a_model_goes_by_its_other_names_and_is_fitted_once(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("images,a\n100,0.1\n200,0.2\n400,0.3\n")
    assert main(["backtest", str(path), "--models", "pow3", "M2"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("1 forecast by each model, from 1 prefix of 1 curve (mAP in points)")
    assert out.count("\nM2 ") == 1 and "mAP: curves are taken to bend" in err


@pytest.mark.parametrize("arguments, said", [
    (["--models", "M22"], "no curve model 'M22'; did you mean 'M2'?"),
    (["--dataset", "COCOA"], "did you mean 'COCO'"),
])
def test_mistakes_get_one_line_and_leave_nothing(tmp_path, capsys, arguments, said):
    assert main(["backtest", str(PUBLISHED_2019), *arguments, "--out", str(tmp_path / "out")]) == 2
    err = capsys.readouterr().err
    assert said in err and not (tmp_path / "out").exists()


def test_two_sizes_cannot_be_relived(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("images,a\n100,0.1\n200,0.2\n")
    assert main(["backtest", str(path)]) == 2
    assert "a backtest needs three" in capsys.readouterr().err


def test_a_loss_is_no_map(tmp_path, capsys):
    assert main(["backtest", str(write_results(tmp_path / "results.csv")), "--metric", "loss"]) == 2
    assert "a loss is no share" in capsys.readouterr().err
