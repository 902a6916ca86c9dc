import csv
import json

import pytest

from predict.__main__ import main
from predict.tables import PUBLISHED_2019


def test_tables_for_people(capsys):
    assert main(["forecast", str(PUBLISHED_2019), "--fit-up-to", "5", "--at", "200000", "--target", "40"]) == 0
    out, err = capsys.readouterr()
    assert "from subsets up to 5 %" in out and "200,000" in out and "needed for 40.0 points" in out
    assert "row of 0 images" in err


def test_json_is_strict_and_filters_hold(capsys):
    main(["forecast", str(PUBLISHED_2019), "--dataset", "COCO", "--detector", "ssd_mobilenet_v2", "--target", "0.9",
          "--json"])

    def refuse(constant):
        raise AssertionError(constant)

    answer = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert {row["curve"] for row in answer["forecasts"]} == {"COCO_ssd_mobilenet_v2"}
    assert answer["images_needed"][0]["median"] is None


def test_files_under_out(tmp_path, capsys):
    main(["forecast", str(PUBLISHED_2019), "--dataset", "COCO", "--out", str(tmp_path)])
    rows = list(csv.DictReader((tmp_path / "forecast.csv").open()))
    assert len(rows) == 2 * 4 * 3  # curves, sizes beyond 20 %, models
    assert {p.name for p in tmp_path.iterdir()} == {"forecast.csv", *(
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
    assert "values are points" in err and "waymo_pointpillars_vehicle_AP: 1 subset size(s)" in err


def test_sizes_in_per_cent_are_called_so_unless_the_whole_is_given(table, tmp_path, capsys):
    path = table("percent;ssd\n1 %;10,4\n2,5 %;15\n5 %;20\n")
    arguments = ["forecast", path, "--at", "100", "--target", "30"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert "curve  per cent" in out and "Per cent needed for" in out and "images" not in out
    assert "sizes are per cent of the whole (ssd)" in out and "--whole N gives the images" in err
    assert "training images, per cent" in (tmp_path / "out/learning_curves_log.svg").read_text()
    assert main([*arguments, "--whole", "118287"]) == 0
    out, err = capsys.readouterr()
    assert "curve   images" in out and "118,287" in out and "per cent of 118,287 images" in err


@pytest.mark.parametrize("text, label", [
    ("images,a\n100,0.3\n1000,0.2\n9000,0.1\n", "flat: the curve does not rise"),
    ("images,a\n100,0.3\n1000,0.3\n", "flat: the curve does not rise"),
    ("images,a\n100,0\n1000,0\n", "flat: the curve does not rise"),
    ("images,a\n100,10\n100,14\n1000,30\n", "1 size(s) have values up to 4.0 points apart, taken as repeated runs"),
])
def test_odd_curves_are_answered_and_labelled(table, text, label, capsys):
    assert main(["forecast", table(text), "--at", "10000"]) == 0
    out = capsys.readouterr().out
    assert label in out and out.endswith(" (a)\n")
    main(["forecast", table(text), "--at", "10000", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert label in answer["forecasts"][0]["label"]
    assert any("values are" in note for note in answer["notes"])


@pytest.mark.parametrize("text, said", [
    ("images,a\n100,0.3\n", "t.csv: a: 1 subset size(s); a forecast needs 2 or more, so add subsets"),
    ("images,a\n100,0.3\n100,0.31\n", "t.csv: a: 1 subset size(s)"),
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
    ([str(PUBLISHED_2019), "--fit-up-to", "1"], "--fit-up-to"),
])
def test_mistakes_get_one_line(arguments, said, capsys):
    assert main(["forecast", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--fit-up-to", "0"], ["--at", "-3"], ["--target", "400"], ["--at", "many"],
                                       ["--whole", "0"], ["--unit", "percent"]])
def test_arguments_out_of_range_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["forecast", str(PUBLISHED_2019), *arguments])
    assert stopped.value.code == 2
