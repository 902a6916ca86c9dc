import csv
import json

import pytest

from predict.__main__ import main
from predict.models import MODELS
from predict.study2019 import STUDY_MODELS
from predict.tables import PUBLISHED_2019


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_model_best_first_on_the_terminal(capsys):
    assert main(["survey", str(PUBLISHED_2019)]) == 0
    out, err = capsys.readouterr()
    table = out.partition("\nmodel ")[2].splitlines()[1:]
    assert {line[:26].strip() for line in table} >= {*MODELS, *STUDY_MODELS}
    means = [float(line.split()[-6]) for line in table]
    assert means == sorted(means)
    assert "1  BDD_ssd_mobilenet_v2: 3 of 10 sizes, 20.6 at 118,287 images" in out
    assert "R²" not in out and "row of 0 images" in err


def test_files_under_out(tmp_path, capsys):
    main(["survey", str(PUBLISHED_2019), "--fit-up-to", "10", "--models", "M2", "M1", "--out", str(tmp_path)])
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{name}.{kind}" for name, kinds in (("survey", ("csv", "json")), ("survey_models", ("csv", "json")),
                                             ("survey_errors", ("png", "svg")), ("survey_curves", ("png", "svg")))
        for kind in kinds}
    assert len(rows_of(tmp_path / "survey.csv")) == 2 * 4
    assert float(rows_of(tmp_path / "survey_models.csv")[0]["mean_abs_error"]) == pytest.approx(0.0553, abs=2e-4)


def test_many_models_are_not_drawn_over_each_other(tmp_path, capsys):
    main(["survey", str(PUBLISHED_2019), "--models", *list(MODELS)[:9], "--out", str(tmp_path)])
    assert not (tmp_path / "survey_curves.png").exists() and (tmp_path / "survey_errors.png").exists()


def test_the_study_by_one_command(tmp_path, capsys):
    assert main(["survey", str(PUBLISHED_2019), "--as-2019", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "says nothing about a forecast" in out.replace("\n", " ")
    table = rows_of(tmp_path / "table_1.csv")
    assert [row["model"] for row in table] == list(STUDY_MODELS)
    assert float(table[1]["COCO_ssd_resnet101_v1_fpn"]) == pytest.approx(0.895, abs=6e-4)
    assert (tmp_path / "figure_5.png").exists() and (tmp_path / "figure_5.svg").exists()


def test_json_is_strict(capsys):
    main(["survey", str(PUBLISHED_2019), "--dataset", "COCO", "--models", "M2", "--json"])

    def refuse(constant):
        raise AssertionError(constant)

    answer = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert [row["curve"] for row in answer["survey"]] == ["COCO_ssd_mobilenet_v2", "COCO_ssd_resnet101_v1_fpn"]
    assert answer["survey_models"][0]["model"] == "M2"


def test_one_curve_has_no_columns_of_its_own(capsys):
    main(["survey", str(PUBLISHED_2019), "--dataset", "BDD", "--detector", "ssd_mobilenet_v2", "--models", "M2"])
    assert "error 1" not in capsys.readouterr().out


@pytest.mark.parametrize("arguments, said", [
    (["--models", "M22"], "did you mean 'M2'"),
    (["--fit-up-to", "1"], "only 1 of 10 sizes is at most 1 % of 118,287 images"),
    (["--fit-up-to", "100"], "lower --fit-up-to"),
])
def test_mistakes_get_one_line(arguments, said, capsys):
    assert main(["survey", str(PUBLISHED_2019), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_curve_that_cannot_be_surveyed_is_left_out_by_name(capsys):
    path = PUBLISHED_2019.with_name("detection_literature.csv")
    assert main(["survey", str(path), "--fit-up-to", "20", "--models", "M2", "--json"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert len(answer["survey"]) == 8 and "bend" not in err  # no forecaster, no assumption
    assert any("waymo_pointpillars_vehicle_AP: only 1 of 4 sizes" in note for note in answer["notes"])


def test_columns_are_of_the_metric_that_is_named(capsys):
    main(["survey", str(PUBLISHED_2019), "--metric", "AP", "--models", "M2"])
    out, err = capsys.readouterr()
    assert "in points of AP," in out and "the columns are taken as AP (--metric)" in err


def test_the_studys_models_and_others_are_not_mixed(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["survey", str(PUBLISHED_2019), "--as-2019", "--models", "M2"])
    assert stopped.value.code == 2
