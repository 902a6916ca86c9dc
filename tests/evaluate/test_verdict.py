"""The answer in words."""

import pytest

from evaluate.verdict import RunNoise, describe_noise, format_differences, verdict
from study.results import Spread

ROW = {"metric": "AP", "class": "", "one": 0.21, "other": 0.25, "value": 0.04, "stderr": 0.01, "low": 0.02,
       "high": 0.06, "low_80": 0.027, "high_80": 0.053, "better": 0.99}
SILENT = dict.fromkeys(("stderr", "low", "high", "low_80", "high_80", "better"))


@pytest.mark.parametrize("changes,expected", [
    ({}, "Yes, 10 % is better than 5 %: by 4.0 points of AP (95 % interval +2.0 to +6.0)."),
    ({"value": -0.04, "low": -0.06, "high": -0.02},
     "No, 10 % is worse than 5 %: by 4.0 points of AP (95 % interval -6.0 to -2.0)."),
    ({"low": -0.0004, "high": 0.0804},
     "It cannot be told whether 10 % is better than 5 %: the difference is +4.0 points of AP, but these 1,600 "
     "validation images leave room for +0.0 to +8.0 (95 % interval)."),
    ({"value": 0.0, "stderr": 0.0, "low": 0.0, "high": 0.0},
     "5 % and 10 % do equally well, in every resample of the validation images."),
    (SILENT, "10 % has +4.0 points of AP against 5 %; without error bars nobody knows what that is worth."),
    ({"value": None} | SILENT, "Neither can be judged: the truth has no box for AP."),
])
def test_the_answer_follows_from_the_interval(changes, expected):
    assert verdict(ROW | changes, "5 %", "10 %", 1600) == expected


def test_noise_between_runs_widens_the_interval():
    unknown, small, large = (RunNoise(None, None), RunNoise(Spread(0.001, 200), None),
                             RunNoise(Spread(0.001, 5), Spread(0.03, 200)))
    assert verdict(ROW, "5 %", "10 %", 1600, [unknown, unknown]) == verdict(ROW, "5 %", "10 %", 1600)
    assert verdict(ROW, "5 %", "10 %", 1600, [small, unknown]).endswith(
        "(95 % interval +2.0 to +6.0, noise between runs included).")
    assert verdict(ROW, "5 %", "10 %", 1600, [large, large]) == (
        "It cannot be told whether 10 % is better than 5 %: the difference is +4.0 points of AP, but the validation "
        "images and the noise between runs leave room for -4.6 to +12.6 (95 % interval).")


def test_noise_known_from_two_runs_alone_is_hardly_known():
    """With one degree of freedom Student's t reaches 12.7 standard errors, not 2."""
    few, many = ([RunNoise(Spread(0.01, freedom), None)] for freedom in (1, 1000))
    assert verdict(ROW, "5 %", "10 %", 1600, many).startswith("Yes")
    assert verdict(ROW, "5 %", "10 %", 1600, few).startswith("It cannot be told")


def test_one_estimate_for_both_runs_is_no_better_known():
    """Two runs of one size have the same noise, read twice."""
    alone, twice = ([RunNoise(Spread(0.01, 3), None) for _ in range(count)] for count in (1, 2))
    apart = [RunNoise(Spread(0.01, 3), None), RunNoise(Spread(0.0101, 3), None)]
    assert verdict(ROW, "draw 0", "draw 1", 1600, alone) == verdict(ROW, "draw 0", "draw 1", 1600, twice)
    assert verdict(ROW, "draw 0", "draw 1", 1600, apart) != verdict(ROW, "draw 0", "draw 1", 1600, twice)


def test_noise_in_words():
    assert describe_noise("5 %", "AP", RunNoise(Spread(0.004, 1), Spread(0.011, 1))) == (
        "Runs of 5 % differ by 0.4 points of AP where only the seed differs and by 1.1 points of AP where only the "
        "draw of the images differs (standard deviation).")
    assert describe_noise("5 %", "AP", RunNoise(None, None)).startswith("There is one run of 5 %")


def test_table_columns_line_up_and_what_is_undefined_is_a_dash():
    empty = ROW | {"class": "cat", "one": None, "other": None, "value": None} | SILENT
    table = format_differences([ROW, empty, ROW | {"metric": "AP50"}], "5 %", "10 %").splitlines()
    assert table[0].split() == ["AP", "5", "%", "10", "%", "better", "by", "±", "stderr", "[95", "%]", "ahead", "in"]
    assert table[1].split() == ["all", "classes", "21.0", "25.0", "+4.0", "±", "1.0", "[2.0,", "6.0]", "99", "%"]
    assert table[2].split() == ["cat", "-", "-", "-"] and table[4].startswith("AP50")
    assert len({line.index("±") for line in (*table[:2], *table[4:])}) == 1
