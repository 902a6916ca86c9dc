import pytest

from report.runs import read_results, run_table, size_table, time_and_cost
from study.config import Prices

FREE = Prices()
PRICED = Prices(hour=3.6, currency="EUR")  # 65.7 s a run: 0.0657 EUR


def test_runs_are_listed_small_subsets_first_with_their_time(study_folder):
    table = run_table(read_results(study_folder), FREE)
    assert [row[2] for row in table.rows][:3] == ["1 %", "1 %", "2.5 %"] and len(table.rows) == 11
    assert table.rows[0][-3:] == ["1 min 2 s", "4 s", "208"] and "cost" not in table.header


def test_sizes_hold_the_mean_of_their_draws(study_folder):
    results = read_results(study_folder)
    table = size_table(results, FREE)
    row = dict(zip(table.header, table.rows[0]))
    values = [m["value"] for r in results if r["images"] == 25 for m in r["metrics"]
              if m["metric"] == "AP50" and not m["class"]]
    assert row["runs"] == "2" and float(row["AP50"]) == pytest.approx(50 * sum(values), abs=0.05)
    assert (row["time of a run"], row["of all"]) == ("1 min 6 s", "2 min 11 s")
    assert [r[1] for r in table.rows] == ["1 %", "2.5 %", "5 %", "10 %", "20 %", "50 %", "100 %"]


def test_time_has_a_price_where_an_hour_has(study_folder):
    results = read_results(study_folder)
    assert time_and_cost(results, FREE) == "11 runs, 12 min 3 s of training and evaluation."
    assert time_and_cost(results, PRICED) == ("11 runs, 12 min 3 s of training and evaluation, 0.72 EUR at 3.60 EUR an "
                                              "hour.")
    assert run_table(results, PRICED).header[-1] == size_table(results, PRICED).header[-1] == "cost, EUR"
    assert {row[-1] for row in run_table(results, PRICED).rows} == {"0.07"}
