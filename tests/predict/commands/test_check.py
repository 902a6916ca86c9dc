import csv
import json

import pytest

from predict.__main__ import main
from predict.backtest import BASELINES, DEFAULT
from predict.tables import PUBLISHED_2019


@pytest.fixture(scope="module")
def forecast(tmp_path_factory):
    """What `predict forecast` wrote of the published curves when they had three sizes, for all the later ones."""
    folder = tmp_path_factory.mktemp("forecast")
    lines = PUBLISHED_2019.read_text().splitlines()
    (folder / "early.csv").write_text("\n".join(lines[:5]) + "\n")
    assert main(["forecast", str(folder / "early.csv"), "--at", "11828", "118287", "--out", str(folder / "out")]) == 0
    return folder / "out" / "forecast.csv"


def test_a_forecast_of_three_sizes_beside_the_finished_table(forecast, capsys):
    assert main(["check", str(forecast), str(PUBLISHED_2019)]) == 0
    out = capsys.readouterr().out
    assert out.count("the truth lies") == 4 and "At the largest size: of 4 forecasts" in out
    assert "At all sizes: of 8 forecasts" in out and "3.2 expected" in out
    assert all(name in out for name in (DEFAULT, *BASELINES))


def test_json_and_files(forecast, tmp_path, capsys):
    assert main(["check", str(forecast), str(PUBLISHED_2019), "--json", "--out", str(tmp_path)]) == 0
    rows = json.loads(capsys.readouterr().out)["check"]
    assert len(rows) == 4 * 2 * (1 + len(BASELINES))
    assert {row["verdict"] for row in rows if row["model"] != DEFAULT} == {"no interval to judge by"}
    assert len(list(csv.DictReader((tmp_path / "check.csv").open()))) == len(rows)
    assert {p.name for p in tmp_path.iterdir()} == {f"check.{kind}" for kind in ("csv", "json", "png", "svg")}


def test_a_table_that_names_no_metric_is_of_the_forecasts(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("images,yolo_s\n1000,0.12\n2500,0.21\n5000,0.27\n")
    main(["forecast", str(path), "--metric", "AP50", "--at", "20000", "--out", str(tmp_path / "out")])
    path.write_text(path.read_text() + "20000,0.33\n")
    capsys.readouterr()
    assert main(["check", str(tmp_path / "out/forecast.csv"), str(path), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["notes"][0] == "the columns are taken as AP50 (--metric)" and "taken as AP50" in err
    assert "values are fractions" in json.loads(out)["notes"][1]


def test_a_forecast_that_failed_is_an_answer_too(forecast, tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("images,BDD_ssd_mobilenet_v2\n118287,0.9\n")
    assert main(["check", str(forecast), str(path)]) == 0
    assert "did not hold" in capsys.readouterr().out


def test_without_intervals_only_errors_are_told(forecast, tmp_path, capsys):
    rows = [row for row in csv.DictReader(forecast.open()) if row["model"] == "M2"]
    path = tmp_path / "f.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert main(["check", str(path), str(PUBLISHED_2019), "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "no forecast in this file has intervals" in out and "mean |error|" in out
    assert not (tmp_path / "out/check.png").exists()


def test_mistakes_get_one_line_and_leave_nothing(forecast, tmp_path, capsys):
    assert main(["check", str(PUBLISHED_2019), str(PUBLISHED_2019), "--out", str(tmp_path / "out")]) == 2
    assert "give the forecast.csv" in capsys.readouterr().err and not (tmp_path / "out").exists()
