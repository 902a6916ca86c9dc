"""Differences of two runs, judged on the same resamples."""

from dataclasses import replace

import numpy as np
import pytest

from datasets.errors import InputError
from evaluate.bootstrap import bootstrap
from evaluate.coco import ALL, score
from evaluate.compare import compare, difference_interval
from evaluate.detections import Detections, join


def part(detections: Detections, keep: np.ndarray) -> Detections:
    return Detections(*(getattr(detections, name)[keep] for name in ("images", "classes", "boxes", "scores")))


@pytest.fixture
def pair(case_of):
    """The scores of a detector, and of the same one without every third of its detections."""
    case = case_of(0, images=60)
    fewer = part(case.detections, np.arange(len(case.detections)) % 3 > 0)
    return score(case.truth, fewer), score(case.truth, case.detections)


def test_a_row_holds_the_difference_and_its_spread_over_shared_resamples(pair):
    one, other = pair
    rows = {(row["metric"], row["class"]): row for row in compare(one, other, 100, seed=3)}
    assert {metric for metric, _ in rows} == {"AP", "AP50"} and len(rows) == 10
    drawn = [bootstrap(scores.matches, 100, 3) for scores in pair]
    for key in (("AP", ALL), ("AP50", "class 2")):
        row, difference = rows[key], drawn[1][key] - drawn[0][key]
        assert (row["one"], row["other"]) == (one.values[key], other.values[key])
        assert row["value"] == other.values[key] - one.values[key]
        assert row["stderr"] == pytest.approx(np.std(difference, ddof=1))
        assert row["better"] == pytest.approx(np.mean(difference > 0) + np.mean(difference == 0) / 2)
        assert row["low"] < row["low_80"] <= row["value"] <= row["high_80"] < row["high"]
        centre = 2 * row["value"] - np.mean(difference)
        assert row["high"] - centre == pytest.approx(centre - row["low"])


def test_the_other_way_round_it_is_the_same_with_the_sign_changed(pair):
    for there, back in zip(compare(*pair, 40), compare(*pair[::-1], 40)):
        if there["stderr"] is not None:
            assert there["value"] == -back["value"] and there["low"] == pytest.approx(-back["high"])
            assert there["better"] == pytest.approx(1 - back["better"])


def test_a_run_does_not_differ_from_itself(pair):
    rows = compare(pair[0], pair[0], 20)
    for row in rows:
        if row["class"] != "class 0":
            assert row["value"] == row["stderr"] == 0 and row["better"] == 0.5
            assert -0.3 < row["low"] == -row["high"] < 0


def test_few_images_that_agree_are_no_proof():
    """Everything against nothing in two images: Wilson's interval reaches down nearly as far as that of one run."""
    low, high = difference_interval(1.0, 0.0, 1, 95)
    assert low < 0.05 and high == 1
    assert difference_interval(1.0, 0.0, 999, 95)[0] > 0.99
    assert difference_interval(0.2, 5.0, 9, 95) == (-1, 1)


def test_a_class_without_boxes_and_no_resamples_have_nothing_to_tell(pair):
    rows = {(row["metric"], row["class"]): row for row in compare(*pair, 10)}
    assert all(value is None for value in list(rows["AP", "class 0"].values())[2:])
    row = compare(*pair, 0)[0]
    assert row["value"] > 0 and row["stderr"] is row["low"] is row["high_80"] is row["better"] is None


def test_runs_on_different_boxes_cannot_be_compared(pair, case_of):
    other = case_of(1, images=60)
    for truth in (other.truth, replace(other.truth, categories=("a", "b", "c", "d")), other.truth.take(np.arange(20))):
        with pytest.raises(InputError, match="different boxes or images"):
            compare(pair[0], score(truth, join([])), 10)
