import csv
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from predict.__main__ import main
from predict.tables import PUBLISHED_2019

ROOT = Path(__file__).resolve().parents[2]


def test_the_answer_comes_at_once_without_heavy_imports():
    code = ("import sys; from predict.__main__ import main; main([sys.argv[1], '--at', '200000', '--target', '0.4']);"
            "print([m for m in ('pandas', 'scipy', 'matplotlib', 'tensorflow') if m in sys.modules])")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", code, PUBLISHED_2019]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2  # seconds, other load left out
    assert answer.stdout.splitlines()[-1] == "[]"


def test_tables_for_people(capsys):
    assert main([str(PUBLISHED_2019), "--fit-up-to", "5", "--at", "200000", "--target", "40"]) == 0
    out, err = capsys.readouterr()
    assert "from subsets up to 5 %" in out and "200,000" in out and "needed for 40.0 points" in out
    assert "row of 0 images" in err


def test_json_is_strict_and_filters_hold(capsys):
    main([str(PUBLISHED_2019), "--dataset", "COCO", "--detector", "ssd_mobilenet_v2", "--target", "0.9", "--json"])

    def refuse(constant):
        raise AssertionError(constant)

    answer = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert {row["curve"] for row in answer["forecasts"]} == {"COCO_ssd_mobilenet_v2"}
    assert answer["images_needed"][0]["median"] is None


def test_files_under_out(tmp_path, capsys):
    main([str(PUBLISHED_2019), "--dataset", "COCO", "--out", str(tmp_path)])
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
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--fit-up-to", "0"], ["--at", "-3"], ["--target", "400"], ["--at", "many"]])
def test_arguments_out_of_range_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([str(PUBLISHED_2019), *arguments])
    assert stopped.value.code == 2
