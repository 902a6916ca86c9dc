import numpy as np
import pytest

from predict.audit import backtest
from predict.backtest import DEFAULT
from predict.tables import read_curves
from report.answer import answer_curves
from report.models import SHOWN, held_out_table, model_table
from study.config import Forecast


@pytest.fixture(scope="module")
def answer(study_folder):
    return answer_curves(read_curves(study_folder.results, "AP50"), Forecast(metric="AP50", fit_up_to=20))[0]


def test_every_model_stands_beside_its_audit(answer):
    table = model_table(answer)
    assert [row[0] for row in table.rows] == list(SHOWN) and "over 5 earlier stages" in table.caption
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
    low, high = map(float, table.rows[-1][3].split("\u00a0–\u00a0"))
    assert low < float(table.rows[-1][2]) < high
    assert float(table.rows[-1][6]) == pytest.approx(float(table.rows[-1][2]) - float(table.rows[-1][5]), abs=0.11)
