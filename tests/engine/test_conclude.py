from dataclasses import replace

import msgspec
import pandas as pd
import pytest

from datasets.errors import InputError
from datasets.files import read_json, write_json
from engine.conclude import conclude, expect, picture_detections, remove_stale_pictures, renew
from study.layout import StudyFolder
from study.matrix import Cell
from study.state import is_concluded
from tests.small import finish, make_study, write_dataset

DETECTION = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.9}


@pytest.fixture
def study(tmp_path):
    return make_study(write_dataset(tmp_path / "data"))


@pytest.fixture
def folder(tmp_path):
    return StudyFolder(tmp_path / "studies" / "small")


def _finish(study, folder, fraction: float, value: float | None) -> None:
    """Give a run out as finished, with this AP."""
    cell = Cell(fraction, "paint", "tiny")
    metrics = [{"metric": "AP", "class": name, "value": value, "stderr": 0.01} for name in ("", "red", "green", "blue")]
    run = finish(study, folder, cell, {
        "cell": msgspec.to_builtins(cell), "recipe": "scaled", "images": int(0.2 * fraction), "boxes": 40, "steps": 9,
        "checkpoint": "ckpt-9", "train_seconds": 1.0, "evaluate_seconds": 1.0, "images_per_second": 9.0,
        "device": "CPU", "metrics": metrics})
    write_json(run.detections, [DETECTION])


def test_one_size_renews_the_table_and_two_the_forecast(study, folder):
    _finish(study, folder, 10.0, 0.2)
    assert renew(study, folder) == [] and folder.results.exists() and not folder.report.exists()
    _finish(study, folder, 50.0, 0.3)
    expected = renew(study, folder)
    assert [forecast.images for forecast in expected] == [20] and 0.25 < expected[0].median < 0.6
    assert folder.report.exists() and set(pd.read_csv(folder.forecast_table)["images"]) == {20}


def test_a_metric_without_any_value_yet_has_no_forecast(study, folder):
    for fraction in (10.0, 50.0):
        _finish(study, folder, fraction, None)
    assert renew(study, folder) == []


def test_sizes_beyond_those_that_are_fitted_are_a_forecast_too(study, folder):
    study = msgspec.structs.replace(study, forecast=msgspec.structs.replace(study.forecast, fit_up_to=20.0))
    for fraction, value in ((10.0, 0.2), (50.0, 0.3)):
        _finish(study, folder, fraction, value)
    assert renew(study, folder) and set(pd.read_csv(folder.forecast_table)["images"]) == {20}


def test_what_there_is_is_concluded_once(study, folder, capsys):
    for fraction, value in ((10.0, 0.2), (50.0, 0.3)):
        _finish(study, folder, fraction, value)
    assert conclude(study, folder) == 0 and is_concluded(study, folder)
    assert "report: " in capsys.readouterr().out
    assert {path.name for path in folder.charts.glob("detections_*.png")} == {"detections_paint_tiny.png"}
    assert read_json(folder.concluded)["made"] == ["results.csv", "forecast/forecast.csv", "report.html"]
    _finish(study, folder, 100.0, 0.35)
    assert not is_concluded(study, folder)
    assert conclude(study, folder) == 0 and expect(study, folder)[0].truth == 0.35


def test_one_size_alone_is_concluded_without_a_forecast(study, folder, capsys):
    _finish(study, folder, 10.0, 0.2)
    assert conclude(study, folder) == 0 and is_concluded(study, folder)
    assert "a forecast needs two subsets or more" in capsys.readouterr().out


def test_nothing_finished_is_nothing_to_conclude(study, folder):
    with pytest.raises(InputError, match="no run is finished yet"):
        conclude(study, folder)
    _finish(study, folder, 10.0, 0.2)
    with pytest.raises(InputError, match="none of its 1 results is of these inputs"):
        conclude(msgspec.structs.replace(study, bootstrap=999), folder)


@pytest.mark.parametrize("looked", [False, True])
def test_the_largest_subset_is_pictured_and_all_that_looked_on_the_way(tmp_path, looked):
    study = make_study(write_dataset(tmp_path / "data"))
    folder, cell = StudyFolder(tmp_path / "studies"), Cell(100.0, "paint", "tiny")
    write_json(folder.run(cell).detections, [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.9}])
    if looked:
        look = {"step": 9, "ap": 0.5}
        write_json(folder.run(replace(cell, fraction=50.0)).tuning, {"best": look, "looks": [look]})
    done = [replace(cell, fraction=50.0), cell, replace(cell, draw=1)]
    picture_detections(study, folder, study.datasets[0], "tiny", done)
    kinds = {"detections", "mistakes", "precision_recall", *(["steps"] if looked else [])}
    assert {path.name for path in folder.charts.iterdir()} == {
        f"{kind}_paint_tiny.{suffix}" for kind in kinds for suffix in ("png", "svg")}


def test_pictures_of_other_metrics_detectors_and_data_sets_go(tmp_path):
    study, folder = make_study(tmp_path / "data"), StudyFolder(tmp_path / "studies")
    folder.charts.mkdir(parents=True)
    kept = {"collage_paint.png", "prevalence_paint.svg", "shift_paint.png", "mine.png", "classes of mine.png",
            "exponents.csv"}
    gone = {"classes_paint_AP.png", "comparison_linear_AP.svg", "comparison_log_AP.png", "exponents.png",
            "mistakes_paint_dropped.png", "detections_dropped_tiny.svg", "precision_recall_paint_dropped.png",
            "steps_paint_dropped.png", "collage_dropped.png", "prevalence_dropped.png", "shift_dropped.svg"}
    for name in kept | gone:
        (folder.charts / name).touch()
    remove_stale_pictures(study, folder)
    assert {path.name for path in folder.charts.iterdir()} == kept
