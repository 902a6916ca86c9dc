"""The commands that answer one question each: target, gain, cost and class."""

import csv
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import charts.cost
from predict.__main__ import main
from predict.commands.target import _reaches
from predict.questions import images_for
from predict.tables import PUBLISHED_2019
from tests.predict.known import lines
from tests.predict.results import write_results

ROOT = Path(__file__).resolve().parents[3]
GPU = ("--price-per-gpu-hour", "2", "--gpu-hours-per-1000-images", "0.4")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return write_results(tmp_path_factory.mktemp("study") / "results.csv")


def ask(*arguments):
    return main([*map(str, arguments)])


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def test_target_says_images_boxes_and_what_is_out_of_reach(results, capsys):
    assert ask("target", PUBLISHED_2019, "--map", "40", "0.99") == 0
    out, err = capsys.readouterr()
    assert "Images needed for 40.0 points of mAP (from all points)" in out and "for 99.0 points" in out
    assert "reached already at 23,657" in out and "not reachable" in out and "row of 0 images" in err
    ask("target", results, "--map", "0.9", "--dataset", "digits", "--json")
    for row in json.loads(capsys.readouterr().out, parse_constant=refuse)["target"]:
        assert row["boxes"] is None if row["images"] is None else row["boxes"] == pytest.approx(3 * row["images"])


def test_target_from_small_subsets_is_beside_what_was_measured(capsys):
    ask("target", PUBLISHED_2019, "--map", "40", "--fit-up-to", "5", "--detector", "ssd_resnet101_v1_fpn", "--json")
    coco = json.loads(capsys.readouterr().out)["target"][1]
    assert coco["largest_fitted"] == 5914 and coco["measured_at"] == 23_657
    assert coco["answer"] == "reachable" and coco["lo-95"] < 23_657 < (coco["hi-95"] or math.inf)


def test_gain_beyond_the_largest_size_or_another(capsys):
    assert ask("gain", PUBLISHED_2019, "--more", "1000", "2000", "1000") == 0
    out = capsys.readouterr().out
    assert out.count("COCO_ssd_mobilenet_v2 ") == 2 and "118,287" in out and "per 1,000" in out
    ask("gain", PUBLISHED_2019, "--fit-up-to", "5", "--from", "5914", "--more", "5914", "--json")
    rows = json.loads(capsys.readouterr().out)["gain"]
    assert {row["from"] for row in rows} == {5914}
    assert all(row["lo-95"] < row["lo-80"] < row["gain"] < row["hi-80"] < row["hi-95"] for row in rows)
    assert rows[2]["lo-95"] < 0.3 - 0.26 < rows[2]["hi-95"]  # COCO, MobileNet: about what came


def test_cost_ranks_detectors_within_a_data_set(capsys):
    assert ask("cost", PUBLISHED_2019, "--map", "30", "--fit-up-to", "5", "--labelled", "5914", "--price-per-image",
               "1", "--budget", "1e4", *GPU) == 0
    out = capsys.readouterr().out
    assert "BDD mAP: cost of 30.0 points" in out and "COCO mAP: points that 10,000 buys" in out
    assert "beyond the 5,914 labelled already" in out and "0.4 hours per 1,000" in out
    table = out.partition("COCO mAP: cost")[2]
    assert table.index("resnet101") < table.index("mobilenet")


def test_cost_takes_boxes_and_seconds_from_results(results, capsys):
    ask("cost", results, "--map", "0.9", "--dataset", "digits", "--price-per-box", "1", "--price-per-gpu-hour", "36",
        "--json")
    answer = json.loads(capsys.readouterr().out, parse_constant=refuse)
    for row in answer["cost"]:
        if row["answer"] == "reachable":
            assert row["labelling"] == pytest.approx(3 * (row["images"] - 4000), abs=1e-6)
            assert row["training"] == pytest.approx(0.01 * (60 + row["images"]))
            assert row["total"] == pytest.approx(row["labelling"] + row["training"])
    assert [row["detector"] for row in answer["cost"]] == ["fpn", "ssd"] and answer["cost"][0]["answer"] == "reachable"
    assert "hours from the table's seconds" in answer["notes"][0]


def test_what_is_known_is_not_rounded_and_what_is_counted_is_a_sentence(capsys):
    ask("cost", PUBLISHED_2019, "--map", "15", "--budget", "500", "--price-per-image", "1", *GPU)
    out = " ".join(capsys.readouterr().out.split())
    assert " 118,69" in out and "boxes, and one training on all images" in out  # 500 less the training's price


@pytest.mark.parametrize("target, stars", [("15", [0, 0]), ("37", [1, 1])])
def test_a_star_is_for_the_one_that_is_cheapest(target, stars, tmp_path, monkeypatch):
    drawn = []
    real = charts.cost.cost_chart
    monkeypatch.setattr(charts.cost, "cost_chart", lambda panels, *rest: drawn.append(panels) or real(panels, *rest))
    ask("cost", PUBLISHED_2019, "--map", target, "--price-per-image", "1", "--out", tmp_path)
    assert [sum(line.cheapest for line in lines) for lines in drawn[0].values()] == stars


def test_a_target_chart_has_the_median_and_all_finite_ends():
    far = lines(np.r_[np.full(60, 0.002), np.full(40, 0.1)], np.r_[np.ones(60), np.full(40, 0.3)])
    need = images_for(far, 0.5)
    (reach,) = _reaches([need])
    assert need.images() > 30 * far.last and math.isinf(need.interval(80)[1])
    assert reach.images[0] <= need.interval(95)[0] and reach.images[-1] >= need.images()


def test_class_forecasts_each_class_of_each_detector(results, capsys):
    assert ask("class", results, "--fit-up-to", "20") == 0
    out, err = capsys.readouterr()
    assert "digits ssd scaled AP in points: 800 images more than 800" in out and "at full data" in out
    assert out.count("mean, its own curve") == 4 and "as frequent as usual" in out.replace("\n", " ")


@pytest.mark.parametrize("question, files", [
    (["target", "--map", "0.7", "0.9"], {"target"}), (["gain"], {"gain"}), (["class"], {"class"}),
    (["cost", "--map", "0.8", "--price-per-image", "1"], {"cost"}),
    (["cost", "--budget", "9", "--price-per-box", "1"], {"budget"}),
    (["cost", "--map", "0.8", "--budget", "9", "--price-per-box", "1"], {"cost", "budget"})])
def test_out_has_csv_json_and_a_chart(question, files, results, tmp_path, capsys):
    name, *more = question
    assert ask(name, results, "--dataset", "digits", "--detector", "ssd", *more, "--out", tmp_path) == 0
    tables = {f"{each}.{kind}" for each in files for kind in ("csv", "json")}
    assert {path.name for path in tmp_path.iterdir()} == tables | {f"{name}.png", f"{name}.svg"}
    assert f"written: {tmp_path}" in capsys.readouterr().out
    for each in files:
        rows = list(csv.DictReader((tmp_path / f"{each}.csv").open()))
        told = json.loads((tmp_path / f"{each}.json").read_text(), parse_constant=refuse)
        assert len(rows) == len(told[each]) > 0 and list(rows[0]) == list(told[each][0])
        assert "inf" not in (tmp_path / f"{each}.csv").read_text() and told["notes"]


def test_class_charts_are_named_where_there_are_several(results, tmp_path):
    ask("class", results, "--dataset", "digits", "--out", tmp_path)
    assert {path.name for path in tmp_path.glob("*.png")} == {"class_digits_ssd_scaled_AP.png",
                                                              "class_digits_fpn_scaled_AP.png"}


@pytest.mark.parametrize("values", ["0.3,0.3,0.3", "0.3,0.25,0.2", "0,0,0", "0.5,0.9,1"])
@pytest.mark.parametrize("question", [["target", "--map", "0.33", "0.99"], ["gain"],
                                      ["cost", "--map", "0.33", "--budget", "50", "--price-per-image", "1"]])
def test_odd_curves_are_answered_without_a_warning(values, question, tmp_path, capsys, recwarn):
    table = tmp_path / "t.csv"
    rows = zip(("100", "200", "400"), values.split(","))
    table.write_text("images,m\n" + "".join(f"{','.join(row)}\n" for row in rows))
    assert ask(question[0], table, *question[1:], "--out", tmp_path / "out") == 0
    assert not recwarn.list
    assert ("flat" in capsys.readouterr().out) == (values != "0.5,0.9,1")


def test_a_curve_of_one_size_is_left_out_by_name(tmp_path, capsys):
    table = tmp_path / "t.csv"
    table.write_text("images,m,k\n100,0.4,0.2\n200,,0.3\n")
    assert ask("target", table, "--map", "0.4") == 0
    out, err = capsys.readouterr()
    assert "left out:" in err and "m: 1 subset size" in " ".join(err.split()) and "\nk " in out and "\nm " not in out


@pytest.mark.parametrize("arguments, said", [
    (["target", "absent.csv", "--map", "40"], "absent.csv: No such file"),
    (["target", PUBLISHED_2019, "--map", "40", "--dataset", "COCOA"], "did you mean 'COCO'"),
    (["gain", PUBLISHED_2019, "--fit-up-to", "1"], "--fit-up-to"),
    (["class", PUBLISHED_2019], "no class can be forecast"),
    (["gain", PUBLISHED_2019, "--from", "9000"], "9,000 images is below the largest fitted size, 118,287"),
    (["gain", PUBLISHED_2019, "--more", "1e9"], "more than 1,000 times the largest fitted size"),
    (["cost", PUBLISHED_2019, "--map", "40"], "nothing has a price"),
    (["cost", PUBLISHED_2019, "--map", "40", "--price-per-image", "0"], "nothing has a price above 0"),
    (["cost", PUBLISHED_2019, "--price-per-image", "1"], "give --map"),
    (["cost", PUBLISHED_2019, "--map", "40", "--price-per-box", "1"], "--boxes-per-image"),
    (["cost", PUBLISHED_2019, "--map", "40", "--price-per-gpu-hour", "1"], "--gpu-hours-per-1000-images"),
])
def test_mistakes_get_one_line_and_leave_nothing(arguments, said, tmp_path, capsys):
    assert ask(*arguments, "--out", tmp_path / "out") == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note:")]
    assert len(errors) == 1 and said in errors[0] and not (tmp_path / "out").exists()


@pytest.mark.parametrize("question", [["target", "--map", "0.4"], ["gain"],
                                      ["cost", "--map", "0.4", "--price-per-image", "1"]])
def test_columns_are_of_the_metric_that_is_named(question, tmp_path, capsys):
    table = tmp_path / "t.csv"
    table.write_text("images,yolo_s,yolo_m\n1000,0.12,0.15\n2500,0.21,0.24\n5000,0.27,0.30\n")
    assert ask(question[0], table, *question[1:], "--metric", "AP", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert {row["metric"] for row in answer[question[0]]} == {"AP"}
    assert [row["detector"] for row in answer[question[0]]][:2] in (["yolo_s", "yolo_m"], ["yolo_m", "yolo_s"])
    assert {"the columns are taken as AP (--metric)"} < set(answer["notes"])
    assert any("AP: curves are taken to bend" in note for note in answer["notes"])
    assert any("values are fractions" in note for note in answer["notes"])


@pytest.mark.parametrize("command", ["forecast", "target", "gain", "survey", "backtest", "compare"])
@pytest.mark.parametrize("place", ["file", "file/folder"])
def test_a_place_that_cannot_be_written_to_is_refused_at_once(command, place, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    more = ["--map", "0.4"] if command == "target" else []
    assert ask(command, "absent.csv", *more, "--out", tmp_path / place) == 2
    said = capsys.readouterr().err
    assert said == f"error: --out {tmp_path / place}: {tmp_path / 'file'} is no folder; give another\n"


@pytest.mark.parametrize("command, taken", [
    (["forecast"], "learning_curves_log.svg"), (["target", "--map", "0.4"], "target.csv"), (["gain"], "gain.png"),
    (["survey", "--models", "M2"], "survey_models.json"), (["backtest", "--models", "M2"], "backtest.png"),
    (["compare"], "exponents.csv")])
def test_a_folder_in_the_place_of_a_file_leaves_nothing_written(command, taken, tmp_path, capsys):
    (tmp_path / taken).mkdir()
    assert ask(command[0], PUBLISHED_2019, *command[1:], "--out", tmp_path) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and f"{tmp_path / taken} is a folder" in err and not out
    assert [path.name for path in tmp_path.iterdir()] == [taken]


def test_a_loss_has_no_target(results, capsys):
    assert ask("target", results, "--map", "0.5", "--metric", "loss") == 2
    assert "a loss has no mAP to reach" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [
    ["target"], ["target", "--map", "400"], ["target", "--map", "-0.1"], ["gain", "--more", "0"],
    ["cost", "--price-per-image", "-1"], ["cost", "--price-per-image", "inf"], ["cost", "--trainings", "0"],
    ["cost", "--trainings", "1.5"], ["cost", "--price-per-box", "nan"],
    ["cost", "--budget", "many"], ["class", "--more", "-5"]])
def test_arguments_out_of_range_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        ask(arguments[0], PUBLISHED_2019, *arguments[1:])
    *_, said = capsys.readouterr().err.splitlines()
    assert stopped.value.code == 2 and "error: " in said and "invalid" not in said


def test_an_answer_loads_neither_pandas_nor_matplotlib_nor_scipy():
    code = ("import sys; from predict.__main__ import main; main(sys.argv[1:]);"
            "print([m for m in ('tensorflow', 'scipy', 'pandas', 'matplotlib') if m in sys.modules])")
    command = [sys.executable, "-W", "error", "-c", code, "cost", str(PUBLISHED_2019), "--map", "30", *GPU]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "[]"
