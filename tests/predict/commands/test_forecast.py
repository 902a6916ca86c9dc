import csv
import json

import pytest

from predict.__main__ import main
from predict.tables import PUBLISHED_2019


def test_tables_for_people(capsys):
    assert main(["forecast", str(PUBLISHED_2019), "--fit-up-to", "5", "--at", "200000", "--map", "40"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("The largest size, forecast from subsets up to 5 % (mAP in points;") and "200,000" in out
    assert "Images needed for 40.0 points of mAP (from all points)" in out and "reached already at 23,657" in out
    assert "row of 0 images" in err and err.count("note: mAP: curves are taken to bend") == 1


def test_a_target_is_answered_in_the_words_of_its_own_command(capsys):
    main(["forecast", str(PUBLISHED_2019), "--map", "0.45", "--fit-up-to", "100"])
    asked = capsys.readouterr().out
    main(["target", str(PUBLISHED_2019), "--map", "0.45"])
    assert capsys.readouterr().out == asked and "never" in asked and "not reachable" in asked


def test_lines_are_no_wider_than_a_terminal(tmp_path, capsys):
    for command in (["forecast", "--at", "200000"], ["target", "--map", "40"], ["gain"], ["survey", "--models", "M2"],
                    ["backtest", "--models", "M2"], ["compare", "--out", str(tmp_path)]):
        main([command[0], str(PUBLISHED_2019), *command[1:]])
        out, err = capsys.readouterr()
        assert max(map(len, out.splitlines())) <= 116 and max(map(len, err.splitlines())) <= 100


def test_json_is_strict_and_filters_hold(capsys):
    main(["forecast", str(PUBLISHED_2019), "--dataset", "COCO", "--detector", "ssd_mobilenet_v2", "--map", "0.9",
          "--json"])

    def refuse(constant):
        raise AssertionError(constant)

    answer = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert {row["curve"] for row in answer["forecast"]} == {"COCO_ssd_mobilenet_v2"}
    assert answer["target"][0]["images"] is None and answer["target"][0]["answer"] == "not reachable"


def test_files_under_out(tmp_path, capsys):
    main(["forecast", str(PUBLISHED_2019), "--dataset", "COCO", "--out", str(tmp_path)])
    rows = list(csv.DictReader((tmp_path / "forecast.csv").open()))
    assert len(rows) == 2 * 4 * 3  # curves, sizes beyond 20 %, models
    assert {p.name for p in tmp_path.iterdir()} == {"forecast.csv", "forecast.json", *(
        f"learning_curves_{axis}.{kind}" for axis in ("linear", "log") for kind in ("png", "svg"))}


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "t.csv"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_a_row_per_point_leaves_out_curves_of_too_few_sizes_by_name(capsys):
    assert main(["forecast", str(PUBLISHED_2019.with_name("detection_literature.csv"))]) == 0
    out, err = capsys.readouterr()
    assert "coco_he2019_scratch " in out and "waymo" not in out and "(AP in points;" in out
    said = " ".join(err.split())
    assert "values are points" in said and "waymo_pointpillars_vehicle_AP: only 1 of 4 sizes is at most 20 %" in said


@pytest.mark.parametrize("arguments", [["--map", "0.25"], ["--map", "0.25", "--fit-up-to", "100"]])
def test_a_target_alone_needs_no_sizes_to_compare_with(table, arguments, tmp_path, capsys):
    path = table("images,ssd\n1000,0.1\n2500,0.2\n5000,0.3\n")
    assert main(["forecast", path, *arguments, "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.startswith("Images needed for 25.0 points of mAP (from all points)\n\ncurve ")
    assert (tmp_path / "out/target.csv").exists() and not (tmp_path / "out/forecast.csv").exists()


def test_columns_are_of_the_metric_that_is_named(table, capsys):
    path = table("images,ssd\n1000,0.1\n2500,0.2\n5000,0.3\n")
    answers = {}
    for metric in ("AP", "AP50"):
        assert main(["forecast", path, "--at", "50000", "--metric", metric, "--json"]) == 0
        answers[metric] = json.loads(capsys.readouterr().out)
        assert f"the columns are taken as {metric} (--metric)" in answers[metric]["notes"]
        assert any(note.startswith(f"{metric}: curves are taken to bend") for note in answers[metric]["notes"])
    medians = [answer["forecast"][0]["median"] for answer in answers.values()]
    assert medians[0] > medians[1] + 0.01


def test_sizes_in_per_cent_are_called_so_unless_the_whole_is_given(table, tmp_path, capsys):
    path = table("percent;ssd\n1 %;10,4\n2,5 %;15\n5 %;20\n")
    arguments = ["forecast", path, "--map", "30"]
    assert main([*arguments, "--at", "100", "--out", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert "curve  per cent" in out and "Per cent needed for" in out and "118" not in out
    assert "sizes are per cent of the whole (ssd)" in out and "--whole N gives the images" in err
    assert "training images, per cent" in (tmp_path / "out/learning_curves_log.svg").read_text()
    assert main([*arguments, "--whole", "118287", "--at", "118287"]) == 0
    out, err = capsys.readouterr()
    assert "images" in out and "118,287" in out and "per cent of 118,287 images" in err


@pytest.mark.parametrize("text, label", [
    ("images,a\n100,0.3\n1000,0.2\n9000,0.1\n", "flat: the curve falls with the number of images"),
    ("images,a\n100,0.3\n1000,0.3\n", "flat: the curve does not rise"),
    ("images,a\n100,0\n1000,0\n", "flat: the curve does not rise"),
    ("images,a\n100,10\n100,14\n1000,30\n", "values up to 4.0 points apart, taken as repeated runs"),
])
def test_odd_curves_are_answered_and_labelled(table, text, label, capsys):
    assert main(["forecast", table(text), "--at", "10000"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert label in out and out.endswith(" (a)")
    main(["forecast", table(text), "--at", "10000", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert label in answer["forecast"][0]["label"]
    assert any("values are" in note for note in answer["notes"])


@pytest.mark.parametrize("text, said", [
    ("images,a\n100,0.3\n", "t.csv: a: 1 subset size"),
    ("images,a\n100,0.3\n100,0.31\n", "t.csv: a: 1 subset size"),
    ("images,a\n100,0.3\n20000,0.4\n", "t.csv: a: 10,000 images is below the largest fitted size, 20,000"),
    ("images,a\n1,0.3\n9,0.4\n", "t.csv: a: 10,000 images is more than 1,000 times the largest fitted size, 9"),
    ("images,error\n100,0.9\n1000,0.8\n", "t.csv:1: column 'error' falls with more images"),
    ("images,a\n-100,0.1\n1000,0.3\n", "t.csv:2: a: the size must be a positive number of images; mend or delete"),
    ("images,a\n100,0.1\n1000,-0.3\n", "t.csv:3: a: -0.3 is no mAP; expected 0 to 1 (or 0 to 100 points)"),
    ("images,a\n100,10\n1000,300\n", "t.csv:3: a: 300 is no mAP"),
    ("images,a\n100,0.1\n1000,inf\n", "t.csv:3: column 'a': 'inf' is not a number; mend the cell"),
    ("images,a\n100,0.1\n1000,1.5\n", "t.csv: the largest value is 1.5, which may be a fraction or points; give"),
    ("images,a,b\n100,0.1,10\n1000,0.3,30\n", "t.csv: a reaches 0.3 while others reach 30; give --unit points if all"),
    ("images,seed,a\n100,1,0.1\n100,1,0.2\n", "t.csv:3: a: 0.2 for 100 images, seed 1, but line 2 has 0.1"),
    ("images,AP50\n100,0.1\n1000,0.3\n", "t.csv: no values of metric 'AP51'; did you mean 'AP50'?"),
    ("dataset,detector,images,metric,class,value\na,b,100,loss,,3\na,b,200,loss,,2\n",
     "t.csv: no values of metric 'AP51'"),
])
def test_what_is_no_learning_curve_gets_one_line(table, text, said, capsys):
    assert main(["forecast", table(text), "--at", "10000", *["--metric", "AP51"] * ("AP51" in said)]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


@pytest.mark.parametrize("arguments, said", [
    (["absent.csv"], "absent.csv: No such file"),
    ([str(PUBLISHED_2019), "--dataset", "COCOA"], "did you mean 'COCO'"),
    ([str(PUBLISHED_2019), "--fit-up-to", "1"], "give --fit-up-to 2.5, or --at 470000 for a forecast from all of them"),
    ([str(PUBLISHED_2019), "--fit-up-to", "100"], "BDD_ssd_mobilenet_v2: no size is left to forecast"),
])
def test_mistakes_get_one_line(arguments, said, capsys):
    assert main(["forecast", *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--fit-up-to", "0"], ["--at", "-3"], ["--map", "400"], ["--at", "many"],
                                       ["--map", "abc"], ["--fit-up-to", "half"], ["--at", "nan"],
                                       ["--whole", "0"], ["--unit", "percent"]])
def test_arguments_out_of_range_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["forecast", str(PUBLISHED_2019), *arguments])
    *_, said = capsys.readouterr().err.splitlines()
    assert stopped.value.code == 2 and f"error: argument {arguments[0]}: " in said
    assert "_" not in said and "invalid" not in said or arguments == ["--unit", "percent"]
