import json

import msgspec
import numpy as np
import pandas as pd
import pytest

from datasets.files import write_json, write_text
from predict.tables import read_curves
from report.making import making_table
from report.page import write_report
from report.runs import read_results, run_table
from report.search import searched_curves
from study.config import Prices
from study.layout import StudyFolder
from study.load import dump_study, read_study
from study.matrix import Cell, cells
from study.search import Search
from tests.report.conftest import make_study

SPACE = {"learning_rate": {"low": 0.0003, "high": 0.03, "scale": "log"}, "augment": [[], ["flip"]]}
SETTINGS = {"learning_rate": 0.0123, "augment": []}
GAIN = 0.05


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> StudyFolder:
    """A study with searched runs up to 5 %, each five points better than the one without."""
    folder = make_study(tmp_path_factory.mktemp("searched"))
    study = msgspec.structs.replace(read_study(folder.config), search=Search(space=SPACE, up_to=5.0))
    write_text(folder.config, dump_study(study))
    table = pd.read_csv(folder.results, keep_default_na=False)
    better = table[table["fraction"].astype(float) <= 5].copy()
    better["recipe"] = "scaled searched"
    better["value"] = better["value"].astype(float) + GAIN
    pd.concat([table, better]).to_csv(folder.results, index=False)
    search = {"trial": 3, "settings": SETTINGS, "trials": 16, "tuning_ap": 0.4567, "seconds": 75}
    for cell in cells(study):
        if cell.searched:
            plain = Cell(cell.fraction, cell.dataset, cell.detector, cell.draw, cell.seed)
            result = json.loads(folder.run(plain).result.read_text())
            result["cell"]["searched"] = True
            write_json(folder.run(cell).result, result | {"recipe": "scaled searched", "search": search})
    return folder


def test_a_curve_with_search_stands_beside_the_one_without(folder):
    (each,) = searched_curves(read_curves(folder.results, "AP50"), read_results(folder), read_study(folder.config))
    assert each.name == "digits mobile" and [row[0] for row in each.sizes.rows] == ["25", "62", "125"]
    assert each.sizes.header == ["images", "share", "recipe as it stands", "searched", "gain", "steps chosen"]
    assert {row[4] for row in each.sizes.rows} == {"+5.0"} and {row[5] for row in each.sizes.rows} == {"800"}
    assert all(" ± " in row[2] and " ± " in row[3] for row in each.sizes.rows)
    (axes,) = each.charts["logarithmic"].axes
    lines = {text: container.lines[0].get_xydata() for container, text in zip(
        axes.containers, axes.get_legend_handles_labels()[1])}
    assert set(lines) == {"recipe as it stands", "searched"} and len(lines["searched"]) == 3
    np.testing.assert_allclose(lines["searched"][:, 1] - lines["recipe as it stands"][:3, 1], 100 * GAIN)


def test_chosen_settings_stand_below_the_recipes_own(folder):
    (each,) = searched_curves(read_curves(folder.results, "AP50"), read_results(folder), read_study(folder.config))
    assert each.settings.header == ["images", "draw", "seed", "learning rate", "augment", "trial", "tuning AP",
                                    "all trials took"]
    assert each.settings.rows[0] == ["recipe as it stands", "", "", "0.01", "flip, ssd_crop", "", "", ""]
    assert each.settings.rows[1] == ["25", "0", "0", "0.0123", "none", "3 of 16", "45.7", "1 min 15 s"]
    assert [row[:2] for row in each.settings.rows[1:]] == [["25", "0"], ["25", "1"], ["62", "0"], ["62", "1"],
                                                          ["125", "0"], ["125", "1"]]


def test_the_page_and_its_tables_tell_the_recipes_apart(folder):
    text = write_report(folder).read_text(encoding="utf-8")
    assert ">Hyperparameters searched at each size</h2>" in text and "settings chosen at each size" in text
    table = run_table(read_results(folder), Prices())
    assert table.header[2] == "recipe" and len(table.rows) == 17
    assert {row[2] for row in table.rows} == {"scaled", "scaled searched"}
    made = {row[0]: row[1] for row in making_table(read_study(folder.config), folder, []).rows}
    assert made["search"].startswith("ASHA of learning_rate, augment up to 5 %, 16 trials at most")


def test_a_study_without_search_says_nothing_of_one(study_folder):
    assert searched_curves(read_curves(study_folder.results, "AP50"), read_results(study_folder), None) == []
    assert "searched" not in write_report(study_folder).read_text(encoding="utf-8")
