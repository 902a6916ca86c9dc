import numpy as np
import pytest

from datasets.errors import InputError
from predict.tables import PUBLISHED_2019, read_curves, read_metrics

TIDY = """dataset,detector,recipe,fraction,images,metric,class,value,stderr
digits,ssd,scaled,10,100,AP,,0.1,0.01
digits,ssd,scaled,50,500,AP,,0.2,
digits,ssd,scaled,50,500,AP,seven,0.9,
digits,ssd,scaled,50,500,AP,eight,,
digits,ssd,scaled,50,500,loss,,7.5,
"""


@pytest.fixture
def table(tmp_path):
    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_published_table_has_four_curves_without_the_invented_row():
    curves = read_curves(PUBLISHED_2019)
    assert [c.dataset for c in curves] == ["BDD", "BDD", "COCO", "COCO"]
    assert curves[2].detector == "ssd_mobilenet_v2"
    assert all(len(c.images) == 10 and c.images[0] == 1182 and c.whole == 118287 for c in curves)
    assert curves[3].values[[0, -1]].tolist() == [0.191, 0.439]
    assert "row of 0 images" in curves[0].notes[0]


def test_results_table_gives_the_asked_metric_and_the_mean_over_classes(table):
    (curve,) = read_curves(table(TIDY), "AP")
    assert (curve.name, curve.metric, curve.category) == ("digits ssd", "AP", "")
    assert curve.images.tolist() == [100, 500]
    assert curve.stderr[0] == 0.01 and np.isnan(curve.stderr[1])
    assert curve.whole == 1000  # 500 images are half of it


def test_classes_come_when_asked_and_values_that_are_not_defined_are_left_out(table):
    assert [c.category for c in read_curves(table(TIDY), "AP", per_class=True)] == ["", "seven"]


def test_two_columns_in_points_with_semicolons(table):
    (curve,) = read_curves(table("images;mAP\n100;12,5\n".replace(",", ".") + "1000;30\n"))
    assert curve.values.tolist() == [0.125, 0.3]
    assert "points" in curve.notes[0]


def test_two_columns_without_a_header(table):
    (curve,) = read_curves(table("100,0.1\n1000,0.3\n"))
    assert curve.images.tolist() == [100, 1000]


def test_unit_can_be_given_where_the_table_leaves_doubt(table):
    path = table("images,mAP\n100,0.5\n1000,1.5\n")
    with pytest.raises(InputError, match="--unit"):
        read_curves(path)
    assert read_curves(path, unit="points")[0].values.tolist() == [0.005, 0.015]


@pytest.mark.parametrize("text, said", [
    ("", "no data rows"),
    ("images,mAP\n", "no data rows"),
    ("images\n100\n200\n", "no column of values"),
    ("images,mAP\n100,many\n", "table.csv:2: column 'mAP': 'many' is not a number"),
    ("images,mAP\n100,0.1\n-5,0.2\n", "table.csv:3: mAP: the size must be"),
    ("images,mAP\n100,0.1\n,0.2\n", "table.csv:3: mAP: the size must be"),
    ("images,mAP\n100,-0.1\n", "is no mAP"),
    ("images,mAP\n100,250\n", "is no mAP"),
    ("images,mAP\n100,inf\n", "is not a number"),
    ("images,mAP\n100,\n", "has no values"),
    (TIDY.replace("0.01", "-0.01"), "standard error cannot be negative"),
])
def test_what_is_no_learning_curve_is_refused_with_its_place(table, text, said):
    with pytest.raises(InputError, match=said):
        read_curves(table(text))


def test_unknown_metric_names_the_nearest(table):
    with pytest.raises(InputError, match="did you mean 'AP'"):
        read_curves(table(TIDY), "APP")


@pytest.mark.parametrize("name", ["dataset", "images", "metric", "class", "value"])
def test_a_results_table_without_a_column_names_it(table, name):
    path = table(TIDY.replace(f"{name},", "x,", 1) if name != "value" else TIDY.replace("value", "x"))
    for read in (read_curves, read_metrics):
        with pytest.raises(InputError, match=f"csv:1: no column '{name}'; add it: a table of results has"):
            read(path)


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


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_curves(tmp_path / "absent.csv")
    (tmp_path / "image.csv").write_bytes(b"\xff\xd8\x00")
    with pytest.raises(InputError, match="not a text file"):
        read_curves(tmp_path / "image.csv")
