import math

import numpy as np
import pytest

from predict.classes import group, rank_classes
from tests.predict.known import lines


def class_curve(name, slope, **more):
    return lines(slope, name="d_ssd", category=name, **more)


def test_the_largest_gain_comes_first_and_adds_its_share():
    answers = rank_classes([class_curve("slow", [0.01] * 3), class_curve("fast", [0.09, 0.1, 0.11]),
                            class_curve("flat", [0.0] * 3)], more=2000)
    assert [answer.curve.curve.category for answer in answers] == ["fast", "slow", "flat"]
    assert [answer.gain.median for answer in answers] == pytest.approx([0.2, 0.02, 0])
    assert answers[0].contribution == pytest.approx(0.2 / 3) and answers[0].most == 1
    assert answers[0].row()["forecast"] == pytest.approx(0.3) and answers[0].row()["class"] == "fast"


def test_equal_gains_come_in_the_order_of_numbers():
    answers = rank_classes([class_curve(name, 0.1) for name in ("class 10", "class 2", "dog", "class 1b", "7")])
    assert [each.curve.curve.category for each in answers] == ["7", "class 1b", "class 2", "class 10", "dog"]


def test_as_many_images_again_unless_told_and_from_where_all_classes_are():
    answers = rank_classes([class_curve("a", 0.1), class_curve("b", 0.1, sizes=(100, 500))])
    assert {(a.gain.start, a.gain.more) for a in answers} == {(1000, 1000)}


def test_full_data_is_forecast_where_there_is_more_of_it():
    known, partly = rank_classes([class_curve("a", 0.1), class_curve("b", 0.05, whole=4000)])
    assert math.isnan(known.row()["at_whole"]) and partly.row()["at_whole"] == pytest.approx(0.2)
    assert np.isnan(known.row()["at_whole_lo-80"])


def test_classes_are_compared_within_one_detector():
    curves = [class_curve("a", 0.1), class_curve("b", 0.1), lines(name="d_fpn", category="a")]
    assert {key[1]: len(found) for key, found in group(curves).items()} == {"ssd": 2, "fpn": 1}
