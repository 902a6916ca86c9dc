import pytest

from datasets.listing import list_names, printable


@pytest.mark.parametrize(("names", "text"), [
    ([], ""), (["a"], "a"), (["a", "b", "c"], "a, b, c"), (["a", "b", "c", "d"], "a, b, c and 1 more"),
    ([str(n) for n in range(2003)], "0, 1, 2 and 2,000 more"),
])
def test_many_names_are_counted(names, text):
    assert list_names(names, most=3) == text


@pytest.mark.parametrize(("name", "text"), [
    ("traffic light", "traffic light"), ("\x1b[31mred\n", "?[31mred?"), ("x" * 60, "x" * 60),
    ("x" * 61, "x" * 59 + "…"),
])
def test_names_can_be_printed(name, text):
    assert printable(name) == text
