"""Rows carry each figure with its error bar, and nothing where there is none."""

import json

import numpy as np
import pytest
from scipy import stats

from evaluate.coco import ALL, FIGURES, score
from evaluate.result import NO_ERROR_BAR, error_bar, images_with_boxes, metric_rows


@pytest.fixture
def rows(case_of):
    case = case_of(0)
    return metric_rows(score(case.truth, case.detections), resamples=50)


def test_a_row_for_every_figure_and_class(rows):
    keys = [(row["metric"], row["class"]) for row in rows]
    assert keys[:12] == [(figure, ALL) for figure in FIGURES]
    assert keys[12:] == [(figure, f"class {k}") for k in range(4) for figure in FIGURES]


def test_resampled_figures_have_error_bars_around_their_value(rows):
    for row in rows:
        if row["metric"] in ("AP", "AP50") and row["class"] != "class 0":
            assert 0 <= row["low"] < row["low_80"] < row["value"] < row["high"] <= 1 and row["stderr"] > 0
            assert row["low_80"] < row["high_80"] < row["high"]
        else:
            assert {name: row[name] for name in NO_ERROR_BAR} == NO_ERROR_BAR


def test_rows_are_json_without_nan(rows):
    absent = next(row for row in json.loads(json.dumps(rows, allow_nan=False)) if row["class"] == "class 0")
    assert absent == {"metric": "AP", "class": "class 0", "value": None, **NO_ERROR_BAR}


def test_without_resamples_there_are_no_error_bars(case_of):
    case = case_of(0)
    rows = metric_rows(score(case.truth, case.detections), resamples=0)
    assert rows[0]["value"] > 0 and all(row["stderr"] is None for row in rows)


@pytest.mark.parametrize("share,images", [(0.5, 400), (0.07, 30), (0.96, 12)])
def test_of_a_plain_share_the_interval_is_wilsons(share, images):
    """With the standard error of a share of so many images, and Student's quantile for the normal one."""
    drawn = share + np.sqrt(share * (1 - share) / images) * np.array([-1, 1, 0]) # mean: the share; its deviation: this
    bar = error_bar(share, drawn, images)
    for level, low, high in ((0.95, bar["low"], bar["high"]), (0.8, bar["low_80"], bar["high_80"])):
        z = stats.t.ppf(0.5 + level / 2, images - 1)
        for end in (low, high):  # where the score test just fails to refuse the share
            assert abs(share - end) == pytest.approx(z * np.sqrt(end * (1 - end) / images), rel=1e-9)
        assert low < share < high
    assert bar["stderr"] == pytest.approx(np.sqrt(share * (1 - share) / images))


def test_what_luck_adds_is_taken_off():
    around, above = (error_bar(0.4, 0.4 + shift + np.array([-0.05, 0, 0.05]), 1000) for shift in (0, 0.02))
    assert above["stderr"] == pytest.approx(around["stderr"]) == pytest.approx(0.05)
    assert above["low"] == pytest.approx(around["low"] - 0.02, abs=3e-3) and above["high"] < around["high"]


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_class_that_is_never_or_always_found_is_not_known_for_certain(value):
    few, many = (error_bar(value, np.full(20, value), images) for images in (5, 100))
    assert few["stderr"] == 0 and few["high"] - few["low"] > 3 * (many["high"] - many["low"]) > 0
    assert value in (few["low"], few["high"]) and value in (many["low_80"], many["high_80"])


@pytest.mark.parametrize("value,drawn", [
    (0.004, [0.004, 0.008, 0.012]), (0.004, [0.003999, 0.007999, 0.011999]), (0.99, [0.965, 0.975, 0.985]),
    (1e-5, [0, 0, 3e-5]), (0.9999, [0.99, 1, 1]),
])
def test_near_the_ends_the_interval_holds_the_value_and_no_more_than_it_must(value, drawn):
    bar = error_bar(value, np.array(drawn), 5000)
    assert 0 <= bar["low"] <= bar["low_80"] <= value <= bar["high_80"] <= bar["high"] <= 1
    assert bar["high"] - bar["low"] < 8 * bar["stderr"]


def test_too_little_for_an_error_bar():
    assert error_bar(0.1, np.array([0.2, np.nan]), 50) == NO_ERROR_BAR
    assert error_bar(0.1, np.array([0.1, 0.2, 0.3]), 1) == NO_ERROR_BAR
    assert error_bar(float("nan"), np.array([np.nan, np.nan]), 0) == NO_ERROR_BAR


def test_images_with_boxes(case_of):
    case = case_of(3)
    truth, image_of_box = case.truth, case.truth.image_of_box()
    found = images_with_boxes(score(truth, case.detections).matches)
    for k, name in enumerate(truth.categories):
        assert found[name] == len(set(image_of_box[(truth.classes == k) & ~truth.crowd]))
    assert found[ALL] == len(set(image_of_box[~truth.crowd])) > found["class 1"]
