import os

import pytest

from datasets.errors import InputError
from datasets.formats.folder import VALIDATION, spellings, visible_names


@pytest.mark.parametrize(("split", "names"), [("", ("train",)), ("train", ("train",)), ("test", ("test",)),
                                              *((name, VALIDATION) for name in VALIDATION)])
def test_validation_has_three_spellings(split, names):
    assert spellings(split) == names


def test_names_are_sorted_without_hidden_ones(tmp_path):
    names = ["b.jpg", "a.JPG", "._a.jpg", ".c.jpg", "d.txt", "é.jpg"]
    assert visible_names(tmp_path, names, (".jpg", ".png")) == ["a.JPG", "b.jpg", "é.jpg"]
    assert visible_names(tmp_path, [], ".jpg") == []


@pytest.mark.parametrize("name", ["\udcff.jpg", "a\udce9b.jpg", "\ud800.jpg"])
def test_a_name_that_is_not_utf_8_is_refused_in_a_line_that_is(tmp_path, name):
    with pytest.raises(InputError, match=r"\\ud[c8].*\.jpg: file name is not UTF-8; rename it") as error:
        visible_names(tmp_path, ["a.jpg", name], ".jpg")
    assert str(error.value).encode().startswith(os.fsencode(tmp_path))
    assert visible_names(tmp_path, [name], ".png") == []
