import pytest

from report.content import answer_curves, class_tables, duration, prevalence_tables, read_results, run_table


def test_answer_says_forecast_interval_and_how_such_a_forecast_did(study_folder):
    (answer,) = answer_curves(study_folder.results, "AP50", 20)
    assert answer.at == 5000
    assert answer.answer.startswith("digits mobile: with 5,000 training images, twice as many as now, expect ")
    assert "points of AP50 (80 %: " in answer.answer
    assert "from the subsets up to 20 % alone, 2,500 images were forecast" in answer.audit
    assert [row[0] for row in answer.table.rows] == ["1,250", "2,500"]
    low, high = map(float, answer.table.rows[-1][3].split("\u00a0–\u00a0"))
    assert low <= float(answer.table.rows[-1][5]) <= high and answer.audit.endswith("inside the interval.")


def test_classes_are_rows_and_sizes_columns(study_folder):
    (table,) = class_tables(study_folder.results, "AP50")
    assert table.caption == "digits mobile: AP50 per class (points) over training images"
    assert table.header == ["class", "25", "62", "125", "250", "500", "1,250", "2,500"]
    assert [row[0] for row in table.rows] == [str(i) for i in range(10)]
    assert all(float(cell) > 0 for row in table.rows for cell in row[1:])


def test_prevalence_by_class_most_frequent_first(study_folder):
    (table,) = prevalence_tables(study_folder, ["digits", "not counted"])
    assert table.header == ["class", "1 %", "2.5 %", "5 %", "10 %", "20 %", "50 %", "100 %"]
    assert table.rows[0][0] == "0" and table.rows[0][-1] == "2,500"


def test_runs_are_listed_small_subsets_first_with_their_time(study_folder):
    table = run_table(read_results(study_folder))
    assert table.caption == "11 runs, 12 min 3 s of training and evaluation"
    assert [row[2] for row in table.rows][:3] == ["1 %", "1 %", "2.5 %"]
    assert run_table([]) is None


@pytest.mark.parametrize("seconds, text", [(4.2, "4 s"), (59.7, "1 min 0 s"), (75, "1 min 15 s"), (3900, "1 h 5 min")])
def test_duration(seconds, text):
    assert duration(seconds) == text
