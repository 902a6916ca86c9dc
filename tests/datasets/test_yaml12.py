import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from datasets.yaml12 import Loader, dump


def load(text):
    return yaml.load(text, Loader)


@pytest.mark.parametrize(("text", "value"), [
    ("1e-3", 0.001), ("1E5", 1e5), ("-2.5e+2", -250.0), ("2.e3", 2000.0), (".5e3", 500.0), ("+1e2", 100.0),
    ("1.5", 1.5), (".5", 0.5), ("12", 12), (".inf", math.inf),
])
def test_numbers_are_numbers(text, value):
    loaded = load(f"a: {text}")["a"]
    assert loaded == value and type(loaded) is type(value)


@pytest.mark.parametrize("text", ["1e", "e3", "1e-3x", "0x1e-3", "'1e-3'", "1e3.5", ".e3", "v1e3", "٣e٣"])
def test_other_text_stays_text(text):
    assert load(f"a: {text}")["a"] == text.strip("'")


def test_the_safe_loader_of_others_is_left_alone():
    assert yaml.safe_load("a: 1e-3") == {"a": "1e-3"}


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 1", "x: {y: 1, y: 2}", "[{a: 1, 'a': 2}]", "1: x\n1: y"])
def test_a_key_given_twice_is_an_error(text):
    with pytest.raises(yaml.YAMLError, match="given twice"):
        load(text)


def test_the_same_key_in_different_mappings_is_none():
    assert load("a: {n: 1}\nb: {n: 2}\nc: &x {n: 3}\nd: {<<: *x, m: 4}")["d"] == {"n": 3, "m": 4}


@pytest.mark.parametrize("text", ["{[1, 2]: 3}", "? {a: 1}\n: 2", "!!python/object/apply:os.getcwd []", "a: *b", "{"])
def test_what_is_not_plain_is_refused(text):
    with pytest.raises(yaml.YAMLError):
        load(text)


_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.from_regex(
    r"[-+]?[0-9]{0,3}\.?[0-9]{0,3}[eE][-+]?[0-9]{1,3}", fullmatch=True)


@given(st.dictionaries(st.text(), _scalars | st.lists(_scalars, max_size=3), max_size=4))
def test_what_is_dumped_is_loaded_again(value):
    """A detector may be called 1e3."""
    again = load(dump(value))
    assert again == value and list(again) == list(value)
    assert [type(v) for v in again.values()] == [type(v) for v in value.values()]


def test_plain_values_may_take_a_line_each():
    value = {"a": {"b": 1, "c": [1, 2]}, "d": [{"e": 1e-7}]}
    text = dump(value, inline=True)
    assert yaml.load(text, Loader) == value and "{e: 1.0e-07}" in text and "c: [1, 2]" in text
