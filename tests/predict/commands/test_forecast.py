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


@pytest.mark.parametrize("arguments, said", [
    (["absent.csv"], "absent.csv: No such file"),
    ([str(PUBLISHED_2019), "--dataset", "COCOA"], "did you mean 'COCO'"),
    ([str(PUBLISHED_2019), "--fit-up-to", "1"], "--fit-up-to"),
])
def test_mistakes_get_one_line(arguments, said, capsys):
    assert main(["forecast", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--fit-up-to", "0"], ["--at", "-3"], ["--target", "400"], ["--at", "many"]])
def test_arguments_out_of_range_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["forecast", str(PUBLISHED_2019), *arguments])
    assert stopped.value.code == 2
