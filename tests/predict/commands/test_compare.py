import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

import charts.axes
import charts.comparison
import charts.power_law
from predict.__main__ import main
from predict.tables import PUBLISHED_2019
from report.pictures import pictures_of
from tests.predict.results import write_results

ROOT = Path(__file__).resolve().parents[3]


def compare(*arguments):
    return main(["compare", *map(str, arguments)])


def files(folder):
    return {path.name for path in folder.iterdir()}


def pictures(*stems):
    return {f"{stem}.{kind}" for stem in stems for kind in ("png", "svg")}


def test_charts_table_and_answer_of_a_study(tmp_path, capsys):
    assert compare(write_results(tmp_path / "results.csv"), "--out", tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert "digits, loss: the detectors' exponents differ" in said and "written:" in said
    assert files(tmp_path / "out") == {"exponents.csv", "exponents.json"} | pictures(
        "comparison_linear_AP", "comparison_log_AP", "classes_digits_AP", "classes_street_AP", "exponents")
    rows = list(csv.DictReader((tmp_path / "out/exponents.csv").open()))
    assert json.loads((tmp_path / "out/exponents.json").read_text())["exponents"][0]["beta"] == float(rows[0]["beta"])
    assert [row["metric"] for row in rows] == ["loss"] * 4 + ["1 - AP"] * 4
    assert [float(row["beta"]) for row in rows[:2]] == pytest.approx([0.2, 0.25])
    assert sum(map(len, pictures_of(tmp_path / "out", []).values())) == 5  # all of them reach the report


def test_the_published_table_has_neither_loss_nor_classes(tmp_path, capsys):
    assert compare(PUBLISHED_2019, "--out", tmp_path, "--metric", "AP50") == 0
    assert files(tmp_path) == {"exponents.csv", "exponents.json"} | pictures(
        "comparison_linear_mAP", "comparison_log_mAP", "exponents")
    said = capsys.readouterr()
    assert "loss" not in said.out and "row of 0 images" in said.err


def test_a_wide_table_is_never_another_metric_than_map(tmp_path, capsys):
    tables = [PUBLISHED_2019, write_results(tmp_path / "results.csv", metrics=("AP", "AP50"))]
    assert compare(*tables, "--metric", "AP", "AP50", "--out", tmp_path / "both") == 0
    assert "BDD, 1 - AP" not in capsys.readouterr().out
    rows = list(csv.DictReader((tmp_path / "both/exponents.csv").open()))
    assert {row["metric"] for row in rows if row["dataset"] == "BDD"} == {"1 - mAP"}
    assert not any("mAP" in name for name in files(tmp_path / "both"))
    assert "BDD, COCO: mAP of a table" in (tmp_path / "both/comparison_log_AP.svg").read_text()
    assert "mAP" not in (tmp_path / "both/comparison_log_AP50.svg").read_text()
    compare(*tables, "--metric", "AP50", "--out", tmp_path / "one")
    assert pictures("comparison_log_AP50", "comparison_log_mAP") <= files(tmp_path / "one")


def test_a_detector_looks_alike_in_all_charts(tmp_path, monkeypatch):
    given = []
    styles = charts.axes.styles
    for module in (charts.comparison, charts.power_law):
        monkeypatch.setattr(module, "styles", lambda names: given.append(styles(names)) or given[-1])
    compare(PUBLISHED_2019, write_results(tmp_path / "results.csv"), "--out", tmp_path / "out")
    assert len(given) == 5 and all(looks == given[0] for looks in given)
    assert list(given[0]) == ["ssd_mobilenet_v2", "ssd_resnet101_v1_fpn", "ssd", "fpn"]


def test_fits_from_small_subsets_alone(tmp_path, capsys):
    compare(PUBLISHED_2019, "--out", tmp_path, "--fit-up-to", "15")
    assert "from subsets up to 15 %" in capsys.readouterr().out
    assert {row["sizes"] for row in csv.DictReader((tmp_path / "exponents.csv").open())} == {"5"}


@pytest.mark.parametrize("changes, said", [
    ({"detectors": ["ssd"]}, "digits, 1 - AP: one detector alone"),
    ({"fractions": [100]}, "an exponent needs two sizes"),
    ({"fractions": [20, 100]}, "two sizes give no interval"),
    ({"loss": False, "classes": ()}, "1 - AP"),
])
def test_little_is_drawn_too_and_what_it_lacks_is_said(tmp_path, capsys, changes, said):
    path = write_results(tmp_path / "results.csv", datasets=["digits"], **changes)
    assert compare(path, "--out", tmp_path / "out") == 0
    assert said in capsys.readouterr().out
    assert pictures("comparison_log_AP", "exponents") <= files(tmp_path / "out")


def test_no_skill_and_perfection_are_left_out_by_name(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("images,d_ssd\n10,0.0\n100,0.4\n1000,1.0\n")
    assert compare(path, "--out", tmp_path / "out") == 0
    assert "left out: 10 images, mAP of 0; 1,000 images, mAP of 1" in capsys.readouterr().out
    path.write_text("images,d_ssd\n10,0\n100,0\n")
    assert compare(path, "--out", tmp_path / "none") == 0
    assert not pictures("exponents") & files(tmp_path / "none")
    assert "no exponent" in capsys.readouterr().out.replace("\n", " ")


def test_names_become_file_names(tmp_path):
    path = write_results(tmp_path / "results.csv", ["ssd"], ["a/b $c$"], fractions=[1, 100])
    assert compare(path, "--out", tmp_path / "out") == 0
    assert "classes_a_b_c__AP.png" in files(tmp_path / "out")


def test_without_a_folder_the_exponents_are_printed_alone(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert compare(PUBLISHED_2019, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert {row["detector"] for row in said["exponents"]} == {"ssd_mobilenet_v2", "ssd_resnet101_v1_fpn"}
    assert said["notes"] and not files(tmp_path)


def test_a_mistake_gets_one_line_and_leaves_nothing(tmp_path, capsys):
    assert compare(write_results(tmp_path / "results.csv"), "--metric", "AP", "AP51", "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "no values of metric 'AP51'" in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_tensorflow_stays_out(tmp_path):
    code = ("import sys; from predict.__main__ import main; main(['compare', *sys.argv[1:]]);"
            "print([m for m in ('tensorflow', 'scipy.stats', 'matplotlib.pyplot') if m in sys.modules])")
    command = [sys.executable, "-c", code, str(PUBLISHED_2019), "--out", str(tmp_path)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "[]"
