import pytest

from datasets.errors import InputError
from predict.tables.unit import divisor_of


@pytest.mark.parametrize("columns, unit, said, divisor, note", [
    ({"a": [0.1, 0.4]}, None, False, 1, "fractions, 0 to 1 (the largest is 0.4); --unit points if"),
    ({"a": [0.002, 0.01]}, None, False, 1, "fractions"),
    ({"a": [0.0, 0.0]}, None, False, 1, "fractions"),
    ({"a": [1.0, 0.0]}, None, False, 1, "fractions"),
    ({"a": [0.4, 1.8, 36.0]}, None, False, 100, "points, 0 to 100 (the largest is 36)"),
    ({"a": [0.0, 0.0], "b": [10.0, 30.0]}, None, False, 100, "points"),
    ({"a": [0.4, 1.8]}, None, True, 100, "points, 0 to 100 (as the table says)"),
    ({"a": [0.4, 1.8]}, "points", False, 100, "(--unit points)"),
    ({"a": [0.4, 0.8]}, "points", False, 100, "points"),
    ({"a": [0.4, 0.8]}, "fraction", True, 1, "fractions, 0 to 1 (--unit fraction)"),
    ({"a": [0.2], "b": [30.0]}, "points", False, 100, "points"),
])
def test_the_unit_comes_from_the_whole_table_and_is_said(columns, unit, said, divisor, note):
    found, words = divisor_of(columns, unit, said, "t.csv")
    assert found == divisor and note in words


@pytest.mark.parametrize("columns, said, message", [
    ({"a": [0.5, 1.5]}, False, "t.csv: the largest value is 1.5, which may be a fraction or points; give --unit"),
    ({"a": [0.5, 2.0]}, False, "give --unit fraction or --unit points"),
    ({"a": [10, 30.0], "b": [0.1, 0.3]}, False, "t.csv: b reaches 0.3 while others reach 30; give --unit points"),
    ({"a": [10, 30.0], "b": [0.1, 0.3]}, True, "b reaches 0.3"),
    ({"a": [0.1, 0.3]}, True, "t.csv: the table says per cent or points, but its largest value is 0.3; give --unit"),
])
def test_doubt_asks_for_the_unit(columns, said, message):
    with pytest.raises(InputError, match=message):
        divisor_of(columns, None, said, "t.csv")
