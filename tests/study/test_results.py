import math

import msgspec
import pandas as pd
import pytest

from datasets.errors import InputError
from datasets.files import write_json
from predict.tables import read_curves
from study.matrix import Cell, cells
from study.results import COLUMNS, collect
from tests.small import make_study

METRICS = [{"metric": "AP", "class": "", "value": 0.25, "stderr": 0.01, "low": 0.23, "high": 0.27},
           {"metric": "AP", "class": "no", "value": None, "stderr": None, "low": None, "high": None}]


def make_result(cell: Cell, **changes) -> dict:
    return {"cell": msgspec.to_builtins(cell), "recipe": "scaled", "images": 2, "boxes": 5, "steps": 500,
            "checkpoint": "ckpt-500", "train_seconds": 10.5, "evaluate_seconds": 1.25, "metrics": METRICS} | changes


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
    assert math.isnan(table["value"][1])


def test_the_table_can_be_forecast_from(study, folder):
    for cell in cells(study):
        write_json(folder.run(cell).result, make_result(cell, images=int(cell.fraction)))
    collect(study, folder)
    curve = next(c for c in read_curves(folder.results) if c.metric == "AP")
    assert curve.images.tolist() == [10, 50, 100] and curve.values.tolist() == [0.25] * 3
    assert curve.stderr.tolist() == [0.01] * 3


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


@pytest.mark.parametrize("content", ["", "{", "[]", "3"])
def test_what_is_no_result_at_all_is_named(study, folder, content):
    path = folder.run(cells(study)[0]).result
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(InputError, match=r"result\.json: not"):
        collect(study, folder)
