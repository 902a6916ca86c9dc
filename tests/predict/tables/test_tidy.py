import numpy as np
import pytest

from datasets.errors import InputError
from predict.tables import read_curves, read_metrics
from predict.tables.tidy import is_tidy

TIDY = """dataset,detector,recipe,fraction,images,metric,class,value,stderr
digits,ssd,scaled,10,100,AP,,0.1,0.01
digits,ssd,scaled,50,500,AP,,0.2,
digits,ssd,scaled,50,500,AP,seven,0.9,
digits,ssd,scaled,50,500,AP,eight,,
digits,ssd,scaled,50,500,loss,,7.5,
"""
RUNS = """dataset,detector,images,draw,seed,metric,class,value
digits,ssd,100,0,0,AP,,0.1
digits,ssd,100,0,1,AP,,0.12
digits,ssd,500,0,0,AP,,0.2
"""


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_results_table_gives_the_asked_metric_and_the_mean_over_classes(table):
    (curve,) = read_curves(table(TIDY), "AP")
    assert (curve.name, curve.metric, curve.category) == ("digits ssd", "AP", "")
    assert curve.images.tolist() == [100, 500]
    assert curve.stderr[0] == 0.01 and np.isnan(curve.stderr[1])
    assert curve.whole == 1000  # 500 images are half of it
    assert read_metrics(table(TIDY)) == ["AP", "loss"]


def test_classes_come_when_asked_and_values_that_are_not_defined_are_left_out(table):
    assert [c.category for c in read_curves(table(TIDY), "AP", per_class=True)] == ["", "seven"]


def test_a_loss_may_exceed_one(table):
    assert read_curves(table(TIDY), "loss")[0].values.tolist() == [7.5]


def test_a_spreadsheet_of_europe_may_have_saved_it(table):
    text = TIDY.replace(",", ";").replace("0.", "0,").replace("7.5", "7,5")
    assert read_curves(table(text))[0].values.tolist() == [0.1, 0.2]


def test_points_are_told_by_the_user_alone(table):
    text = TIDY.replace("0.1,0.01", "10,1").replace(",,0.2,", ",,20,")
    with pytest.raises(InputError, match="table.csv:2: digits ssd: 10 is no mAP; expected 0 to 1"):
        read_curves(table(text))
    (curve,) = read_curves(table(text), unit="points")
    assert curve.values.tolist() == [0.1, 0.2] and curve.stderr[0] == 0.01 and "--unit points" in curve.notes[0]
    assert read_curves(table(TIDY), unit="points")[0].values.tolist() == [0.1, 0.2]  # beside other tables in points


def test_draws_and_seeds_are_runs(table):
    (curve,) = read_curves(table(RUNS))
    assert curve.seeds == ("0", "1", "0") and curve.notes == ()


def test_one_run_with_two_values_is_refused_with_both_lines(table):
    with pytest.raises(InputError, match="table.csv:3: digits ssd: 0.12 for 100 images, draw 0, seed 0, but line 2"):
        read_curves(table(RUNS.replace("0,1,AP", "0,0,AP")))


def test_repeats_of_a_table_without_draws_and_seeds_are_noted(table):
    text = "\n".join(",".join(cell for i, cell in enumerate(line.split(",")) if i not in (3, 4))
                     for line in RUNS.splitlines())
    (curve,) = read_curves(table(text))
    assert "lines 2, 3 give 0.1 to 0.12" in curve.notes[0] and curve.draws == ()


def test_unknown_metric_names_the_nearest(table):
    with pytest.raises(InputError, match="did you mean 'AP'"):
        read_curves(table(TIDY), "APP")


@pytest.mark.parametrize("name", ["dataset", "images", "metric", "class", "value"])
def test_a_results_table_without_a_column_names_it(table, name):
    path = table(TIDY.replace(f"{name},", "x,", 1) if name != "value" else TIDY.replace("value", "x"))
    for read in (read_curves, read_metrics):
        with pytest.raises(InputError, match=f"csv:1: no column '{name}'; add it: a table of results has"):
            read(path)


@pytest.mark.parametrize("name", ["value", "class", "recipe", "stderr"])
def test_a_results_table_with_a_column_twice_names_it(table, name):
    path = table("".join(f"{line},{name if at == 0 else '0.5'}\n" for at, line in enumerate(TIDY.splitlines())))
    with pytest.raises(InputError, match=f"csv:1: two columns are called '{name}'; rename one"):
        read_curves(path)


def test_a_row_per_point_without_a_recipe_is_no_results_table(sheet):
    assert is_tidy(sheet(TIDY)) and is_tidy(sheet(RUNS))
    assert not is_tidy(sheet("dataset,detector,images,metric,value\na,b,100,AP,0.1\n"))


@pytest.mark.parametrize("more, per_class, said", [
    ("", True, "APl is empty in every row; metrics with values: AP, loss"),
    ("digits,ssd,scaled,50,500,APl,nine,0.4,\n", False,
     "APl is empty in every row over all classes; metrics with values: AP, loss"),
])
def test_a_metric_without_values_is_called_empty(table, more, per_class, said):
    path = table(TIDY + "digits,ssd,scaled,50,500,APl,,,\n" + more)
    with pytest.raises(InputError, match=said):
        read_curves(path, "APl", per_class=per_class)


def test_80_per_cent_intervals_are_read_where_the_table_has_them(table):
    lines = TIDY.splitlines()
    text = "\n".join([lines[0] + ",low_80,high_80", lines[1] + ",0.07,0.11", lines[2] + ",,"])
    assert read_curves(table(text))[0].interval_80 == pytest.approx(np.array([[0.07, 0.11], [np.nan] * 2]), nan_ok=True)
    assert np.isnan(read_curves(table(TIDY))[0].interval_80).all()
    with pytest.raises(InputError, match="table.csv:2: digits ssd: low_80 lies above high_80"):
        read_curves(table(text.replace("0.07", "0.7")))


def test_boxes_and_seconds_come_along(table):
    text = TIDY.replace("value,stderr", "value,boxes,seconds").replace("0.1,0.01", "0.1,300,7.5")
    (curve,) = read_curves(table(text.replace("0.2,", "0.2,,")))
    assert curve.boxes[0] == 300 and curve.seconds[0] == 7.5 and np.isnan(curve.boxes[1])
