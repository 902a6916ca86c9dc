import re

import numpy as np
import pytest

from predict.audit import backtest
from predict.backtest import DEFAULT
from predict.tables import read_curves
from report.answer import answer_curves
from report.models import OTHERS, held_out_table, model_table, overview
from report.tables import TO
from study.config import Forecast


@pytest.fixture(scope="module")
def answer(study_folder):
    return answer_curves(read_curves(study_folder.results, "AP50"), Forecast(metric="AP50", fit_up_to=20))[0]


def test_every_model_stands_beside_its_audit(answer):
    table = model_table(answer)
    assert [row[0] for row in table.rows] == [DEFAULT, *OTHERS] and "over 5 earlier stages" in table.caption
    ours = dict(zip(table.header, table.rows[0]))
    hindcasts = backtest(answer.observed)
    assert ours["forecasts made"] == str(sum(len(h.images) for h in hindcasts))
    last = np.mean([abs(h.error[-1]) for h in hindcasts])
    assert float(ours["mean |error| at the largest"]) == pytest.approx(100 * last, abs=0.05)
    held = np.mean(np.concatenate([h.held(80) for h in hindcasts]))
    assert ours["80 % held"].endswith(" %") and 0 <= float(ours["80 % held"][:-2]) <= 100 and 0 <= held <= 1
    assert ours["at 5,000"] in answer.answer
    assert {row[2] for row in table.rows if row[0] != DEFAULT} == {"-"}  # least squares say no interval


def test_held_out_sizes_stand_beside_their_forecasts(answer):
    table = held_out_table(answer)
    assert [row[0] for row in table.rows] == ["1,250", "2,500"]
    low, high = map(float, table.rows[-1][3].split(TO))
    assert low < float(table.rows[-1][2]) < high
    assert float(table.rows[-1][6]) == pytest.approx(float(table.rows[-1][2]) - float(table.rows[-1][5]), abs=0.11)


def test_two_sizes_have_forecasts_and_no_audit(study_folder, tmp_path):
    lines = study_folder.results.read_text().splitlines(keepends=True)
    (tmp_path / "results.csv").write_text("".join(
        line for line in lines if not re.search(r",(2.5|5|10|20|50),(62|125|250|500|1250),", line)))
    answer = answer_curves(read_curves(tmp_path / "results.csv", "AP50"), Forecast(metric="AP50"))[0]
    table = model_table(answer)
    assert {tuple(row[3:]) for row in table.rows} == {("-",) * 4} and "no audit" in table.caption
    assert all(row[1] != "-" for row in table.rows) and " Two sizes: " in answer.answer


def test_the_overview_has_a_row_per_curve(answer):
    table = overview([answer, answer])
    assert [row[0] for row in table.rows] == ["digits mobile"] * 2
    assert table.rows[0][1:4:2] == [f"{100 * answer.observed.values[-1]:.1f}", f"{100 * answer.outlook.median:.1f}"]
    assert table.rows[0][-1] in answer.answer
