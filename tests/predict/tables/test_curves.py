import numpy as np
import pytest

from datasets.errors import InputError
from predict.tables.curves import Curve, Record, make_curve

NAN = np.nan


@pytest.mark.parametrize("images, values, stderr, metric, said", [
    ([100, 0], [0.1, 0.2], [NAN, NAN], "AP", "cats: point 2: the size must be a positive number"),
    ([100, np.inf], [0.1, 0.2], [NAN, NAN], "AP", "point 2: the size must be"),
    ([NAN, 200], [0.1, 0.2], [NAN, NAN], "AP", "point 1: the size must be"),
    ([100, 200], [0.1, 1.2], [NAN, NAN], "AP", "point 2: 1.2 is no mAP; expected 0 to 1"),
    ([100, 200], [-0.1, 0.2], [NAN, NAN], "AP", "point 1: -0.1 is no mAP"),
    ([100, 200], [0.1, NAN], [NAN, NAN], "AP", "point 2: nan is no mAP"),
    ([100, 200], [3.0, np.inf], [NAN, NAN], "loss", "point 2: inf is no loss; expected 0 or more"),
    ([100, 200], [0.1, 0.2], [-0.1, NAN], "AP", "point 1: a standard error cannot be negative"),
    ([100, 200], [0.1, 0.2], [NAN], "AP", "arrays of one length; got shapes"),
    ([[100, 200]], [[0.1, 0.2]], [[NAN, NAN]], "AP", "arrays of one length"),
])
def test_a_curve_that_cannot_be_is_refused_when_made(images, values, stderr, metric, said):
    with pytest.raises(InputError, match=said):
        Curve("cats", *(np.array(each, dtype=float) for each in (images, values, stderr)), metric=metric)


def test_a_message_shows_the_tables_own_number():
    with pytest.raises(InputError, match="t.csv:7: a: 250 is no mAP"):
        make_curve("a", [Record(7, 100, 2.5)], "t.csv", divisor=100)


def test_one_run_twice_counts_once_and_must_agree_with_itself():
    rows = [Record(2, 100, 0.1, draw="0", seed="0"), Record(3, 100, 0.1, draw="0", seed="0"),
            Record(4, 100, 0.2, draw="0", seed="1")]
    curve = make_curve("a", rows, "t.csv", runs=True)
    assert curve.values.tolist() == [0.1, 0.2] and curve.seeds == ("0", "1")
    assert curve.notes == ("a: line 3 repeats the run of line 2 and counts once",)
    with pytest.raises(InputError, match="t.csv:4: a: 0.3 for 100 images, draw 0, seed 0, but line 2 has 0.1"):
        make_curve("a", [rows[0], Record(4, 100, 0.3, draw="0", seed="0")], "t.csv", runs=True)


def test_values_that_differ_without_runs_are_named_and_kept():
    rows = [Record(2, 1000, 0.1), Record(3, 1000, 0.12), Record(4, 2000, 0.3), Record(5, 2000, 0.3)]
    curve = make_curve("a", rows, "t.csv", divisor=100)
    assert curve.values.tolist() == [0.1, 0.12, 0.3, 0.3] and curve.draws == ()
    assert curve.notes == ("a: lines 2, 3 give 10 to 12 for 1,000 images; taken as 2 runs: their mean counts, and "
                           "their spread joins the error bar",)


def test_the_whole_follows_from_the_largest_share_or_from_the_user():
    rows = [Record(2, 100, 0.1, percent=10), Record(3, 500, 0.2, percent=50)]
    assert make_curve("a", rows, "t.csv").whole == 1000
    assert make_curve("a", rows, "t.csv", whole=1200).whole == 1200
    with pytest.raises(InputError, match="t.csv: a: --whole 300 is less than its largest subset of 500 images"):
        make_curve("a", rows, "t.csv", whole=300)


@pytest.mark.parametrize("changes, said", [
    ({"low_80": 0.2, "high_80": 0.1}, "t.csv:2: a: low_80 lies above high_80"),
    ({"boxes": -1}, "t.csv:2: a: boxes and seconds cannot be negative"),
    ({"seconds": -1}, "t.csv:2: a: boxes and seconds cannot be negative"),
])
def test_what_comes_with_a_value_is_checked_too(changes, said):
    with pytest.raises(InputError, match=said):
        make_curve("a", [Record(2, 100, 0.1, **changes)], "t.csv")
