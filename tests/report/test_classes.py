import re

import numpy as np
import pytest

from predict.tables import Curve, read_curves
from report.classes import answer_classes, class_tables


def test_classes_are_rows_and_sizes_columns(study_folder):
    (table,) = class_tables(read_curves(study_folder.results, "AP50", per_class=True))
    assert table.caption == "digits mobile: AP50 per class (points) over training images"
    assert table.header == ["class", "25", "62", "125", "250", "500", "1,250", "2,500"]
    assert [row[0] for row in table.rows] == [str(i) for i in range(10)]
    assert all(float(cell) > 0 for row in table.rows for cell in row[1:])


def test_the_class_that_gains_most_is_named_first(study_folder):
    (answer,) = answer_classes(read_curves(study_folder.results, "AP50", per_class=True))
    assert answer.forecast.caption.startswith("digits mobile: each class with 2,500 images more than 2,500 (AP50")
    gains = [float(row[answer.forecast.header.index("gain")]) for row in answer.forecast.rows[:-1]]
    assert gains == sorted(gains, reverse=True) and len(gains) == 10
    named = re.search(r"bring most to (\d) \(\+[\d.]+\), (\d) \(.*?\), (\d) \(", answer.advice)
    assert list(named.groups()) == [row[0] for row in answer.forecast.rows[:3]]
    assert answer.forecast.rows[-1][0] == "mean, its own curve"
    assert [row[0] for row in answer.measured.rows] == [row[0] for row in answer.forecast.rows[:-1]]


def test_no_classes_no_answer(study_folder, tmp_path):
    text = study_folder.results.read_text()
    (tmp_path / "results.csv").write_text(re.sub(r".*,AP50,\d,.*\n", "", text))
    assert answer_classes(read_curves(tmp_path / "results.csv", "AP50", per_class=True)) == []


@pytest.mark.parametrize(("classes", "rise", "said"), [
    (3, 0.0, "are forecast to bring no class anything."),
    (12, 0.05, "but no class stands out"),  # all alike
    (1, 0.05, "is likely: it does in 100\u00a0%"),
])
def test_the_advice_says_when_there_is_none(classes, rise, said):
    images = np.array([50.0, 100, 200, 400])
    values = 0.5 + rise * np.log2(images / 50)
    curves = [Curve(f"a b {name}", images, values, np.full(4, 0.01), metric="AP50", dataset="a", detector="b",
                    category=str(name), whole=400.0) for name in range(classes)]
    (answer,) = answer_classes(curves)
    assert said in answer.advice
