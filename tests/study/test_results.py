import math

import msgspec
import numpy as np
import pandas as pd
import pytest

from datasets.errors import InputError
from datasets.files import write_json
from predict.tables import read_curves
from study.config import Repeats
from study.layout import StudyFolder
from study.matrix import Cell, cells
from study.results import COLUMNS, collect, spreads
from tests.small import make_study

METRICS = [{"metric": "AP", "class": "", "value": 0.25, "stderr": 0.01, "low": 0.23, "high": 0.27,
            "low_80": 0.24, "high_80": 0.26},
           {"metric": "AP", "class": "no", "value": None, "stderr": None, "low": None, "high": None,
            "low_80": None, "high_80": None}]


def make_result(cell: Cell, **changes) -> dict:
    return {"cell": msgspec.to_builtins(cell), "recipe": "scaled", "images": 2, "boxes": 5, "class_boxes": {"no": 4},
            "steps": 500, "checkpoint": "ckpt-500", "train_seconds": 10.5, "evaluate_seconds": 1.25,
            "metrics": METRICS} | changes


@pytest.fixture
def study(tmp_path):
    return make_study(tmp_path)


def test_every_finished_run_of_the_study_has_its_rows(study, folder):
    first, _, last = cells(study)
    write_json(folder.run(last).result, make_result(last, images=20))
    write_json(folder.run(first).result, make_result(first))
    write_json(folder.run(Cell(33.0, "paint", "tiny")).result, make_result(first))  # not of this study
    table = collect(study, folder)
    again = pd.read_csv(folder.results, keep_default_na=False)
    assert tuple(table) == tuple(again) == COLUMNS
    assert table["fraction"].tolist() == [10, 10, 100, 100] and table["images"].tolist() == [2, 2, 20, 20]
    assert set(table["seconds"]) == {11.75}
    assert again["class"].tolist() == ["", "no"] * 2 and again["value"].tolist() == ["0.25", ""] * 2
    assert again["class_boxes"].tolist() == ["", "4"] * 2
    assert math.isnan(table["value"][1])


def test_the_table_can_be_forecast_from(study, folder):
    for cell in cells(study):
        write_json(folder.run(cell).result, make_result(cell, images=int(cell.fraction)))
    collect(study, folder)
    curve = next(c for c in read_curves(folder.results) if c.metric == "AP")
    assert curve.images.tolist() == [10, 50, 100] and curve.values.tolist() == [0.25] * 3
    assert curve.stderr.tolist() == [0.01] * 3


def repeated(tmp_path, folder):
    """Return a study of three draws by two seeds at 10 % and one run of each larger size, and write their results."""
    study = make_study(tmp_path, draws=Repeats(count=3), seeds=Repeats(count=2))
    values = {(0, 0): 0.20, (0, 1): 0.22, (1, 0): 0.30, (1, 1): 0.30, (2, 0): 0.24, (2, 1): 0.28}
    for cell in cells(study):
        value = values[cell.draw, cell.seed] if cell.fraction == 10 else 0.5
        rows = [METRICS[0] | {"value": value}, METRICS[1],
                METRICS[0] | {"metric": "AP50", "value": None if cell.draw else value}]
        write_json(folder.run(cell).result, make_result(cell, metrics=rows))
    return study


def test_noise_between_runs_stands_beside_every_figure(tmp_path, folder):
    table = collect(repeated(tmp_path, folder), folder)
    ten = table[(table["fraction"] == 10) & (table["metric"] == "AP") & (table["class"] == "")]
    seeds = np.sqrt((np.var([0.20, 0.22], ddof=1) + 0 + np.var([0.24, 0.28], ddof=1)) / 3)
    draws = np.sqrt((np.var([0.20, 0.30, 0.24], ddof=1) + np.var([0.22, 0.30, 0.28], ddof=1)) / 2)
    assert ten["sd_seeds"].tolist() == pytest.approx([seeds] * 6)
    assert ten["sd_draws"].tolist() == pytest.approx([draws] * 6)
    partly = table[(table["fraction"] == 10) & (table["metric"] == "AP50")]
    assert partly["sd_seeds"].tolist() == pytest.approx([np.std([0.20, 0.22], ddof=1)] * 6)
    assert partly["sd_draws"].isna().all()
    assert table[(table["fraction"] > 10) | (table["class"] == "no")][["sd_seeds", "sd_draws"]].isna().all(axis=None)
    assert pd.read_csv(folder.results, keep_default_na=False)["sd_draws"].tolist().count("") == len(table) - 6


def test_noise_between_runs_of_one_size(tmp_path, folder):
    study = repeated(tmp_path, folder)
    table = collect(study, folder)
    seeds, draws = spreads(study, folder, Cell(10.0, "paint", "tiny", 2, 1), "AP")
    assert (seeds.freedom, draws.freedom) == (3, 4)
    assert (seeds.sd, draws.sd) == (table["sd_seeds"][0], table["sd_draws"][0])
    assert spreads(study, folder, Cell(50.0, "paint", "tiny"), "AP") == (None, None)
    assert spreads(study, folder, Cell(10.0, "paint", "tiny"), "AR1") == (None, None)
    assert spreads(make_study(tmp_path), StudyFolder(tmp_path / "empty"), Cell(10.0, "paint", "tiny"), "AP") == (
        None, None)


def test_results_of_an_earlier_layout_are_read(study, folder):
    first = cells(study)[0]
    old = [{key: value for key, value in row.items() if not key.endswith("_80")} for row in METRICS]
    write_json(folder.run(first).result, make_result(first, metrics=old))
    assert collect(study, folder)["low_80"].isna().all()


def test_no_results_are_a_table_without_rows(study, folder):
    assert collect(study, folder).empty
    assert folder.results.read_text() == ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize("damage", [lambda r: r.pop("steps"), lambda r: r.pop("cell"), lambda r: r.update(metrics=None),
                                    lambda r: r.update(train_seconds=None), lambda r: r.update(cell=[1])])
def test_a_damaged_result_is_named(study, folder, damage):
    cell = cells(study)[0]
    result = make_result(cell)
    damage(result)
    write_json(folder.run(cell).result, result)
    with pytest.raises(InputError, match=r"result\.json: not a result file of this version"):
        collect(study, folder)
    assert not folder.results.exists()


@pytest.mark.parametrize("content", ["", '{"cell": '])
def test_a_damaged_result_is_left_out_as_it_is_made_again(study, folder, capsys, content):
    path = folder.run(cells(study)[0]).result
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert collect(study, folder).empty
    assert "result.json: not valid JSON" in (err := capsys.readouterr().err) and err.count("\n") == 1


@pytest.mark.parametrize("content", ["[]", "3"])
def test_what_is_no_result_at_all_is_named(study, folder, content):
    path = folder.run(cells(study)[0]).result
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(InputError, match=r"result\.json: not"):
        collect(study, folder)
