"""Rows carry each figure with its error bar, and nothing where there is none."""

import json

import numpy as np
import pytest

from evaluate.coco import ALL, FIGURES, score
from evaluate.result import error_bar, metric_rows


@pytest.fixture
def rows(case_of):
    case = case_of(0)
    return metric_rows(score(case.truth, case.detections), resamples=50)


def test_a_row_for_every_figure_and_class(rows):
    keys = [(row["metric"], row["class"]) for row in rows]
    assert keys[:12] == [(figure, ALL) for figure in FIGURES]
    assert sorted(keys[12:]) == sorted((m, f"class {k}") for m in ("AP", "AP50") for k in range(4))


def test_resampled_figures_have_error_bars_around_their_value(rows):
    for row in rows:
        if row["metric"] in ("AP", "AP50") and row["class"] != "class 0":
            assert 0 <= row["low"] < row["value"] < row["high"] <= 1 and row["stderr"] > 0
        else:
            assert row["stderr"] is row["low"] is row["high"] is None


def test_rows_are_json_without_nan(rows):
    absent = next(row for row in json.loads(json.dumps(rows, allow_nan=False)) if row["class"] == "class 0")
    assert absent == {"metric": "AP", "class": "class 0", "value": None, "stderr": None, "low": None, "high": None}


def test_without_resamples_there_are_no_error_bars(case_of):
    case = case_of(0)
    rows = metric_rows(score(case.truth, case.detections), resamples=0)
    assert rows[0]["value"] > 0 and all(row["stderr"] is None for row in rows)


def test_error_bar_is_the_normal_interval():
    drawn = np.array([0.4, 0.5, 0.6])
    assert error_bar(0.5, drawn) == pytest.approx((0.1, 0.5 - 0.196, 0.5 + 0.196), abs=1e-4)


def test_error_bar_stays_within_zero_and_one():
    drawn = np.array([0.0, 0.2, 0.4])
    assert error_bar(0.1, drawn)[1] == 0 and error_bar(0.9, drawn)[2] == 1
    assert error_bar(0.1, drawn[:1]) == (None, None, None)
