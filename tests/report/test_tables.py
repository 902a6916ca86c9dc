import csv
from urllib.parse import unquote

import pytest

from report.tables import Table, duration, interval, slug

TABLE = Table("digits: boxes per class (all)", ["class", "1 %", "gain"], [["a,\u00a0b", "1,250", "-1,000.5"],
                                                                          ["1,234", interval("1", "2"), "+7.0"]])


def test_a_table_is_saved_as_csv_with_bare_numbers():
    kind, data = TABLE.uri.split(",", 1)
    assert kind == "data:text/csv;charset=utf-8" and unquote(data) == "\ufeff" + TABLE.csv
    assert list(csv.reader(TABLE.csv.splitlines())) == [
        ["class", "1 %", "gain"], ["a, b", "1250", "-1000.5"], ["1,234", "1 to 2", "+7.0"]]
    assert TABLE.file_name == "digits_boxes_per_class.csv"


@pytest.mark.parametrize(("caption", "name"), [
    ("Runs by size, mean (points)", "runs_by_size_mean"), ("../a: b/c", "a_b_c"), ("é 100 %", "é_100_%"),
    ("x" * 80, "x" * 80)])
def test_slug(caption, name):
    assert slug(caption) == name


def test_long_captions_that_end_differently_are_saved_differently():
    names = {slug("x" * 90 + end) for end in "ab"}
    assert len(names) == 2 and all(len(name) == 80 for name in names)


@pytest.mark.parametrize("seconds, text", [(4.2, "4 s"), (59.7, "1 min 0 s"), (75, "1 min 15 s"), (3900, "1 h 5 min")])
def test_duration(seconds, text):
    assert duration(seconds) == text
