from typing import Literal

import msgspec
import pytest

from datasets.errors import InputError
from datasets.settings import convert, read_yaml


class Inner(msgspec.Struct):
    size: int = 1
    kind: Literal["plain", "fancy"] = "plain"


class Outer(msgspec.Struct):
    items: tuple[Inner, ...] = ()
    named: dict[str, Inner] = {}
    one: Inner | None = None


def test_what_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9")
    (tmp_path / "list.yaml").write_text("[1, 2]")
    (tmp_path / "date.yaml").write_text("a: 2001-99-99")
    (tmp_path / "float.yaml").write_text("a: !!float")
    for path, fragment in ((tmp_path / "date.yaml", "not valid YAML"), (tmp_path / "float.yaml", "not valid YAML"),
                           (tmp_path / "absent.yaml", "No such file"), (tmp_path, "Is a directory"),
                           (tmp_path / "latin.yaml", "not valid YAML"), (tmp_path / "list.yaml", "expected a mapping")):
        with pytest.raises(InputError, match=fragment):
            read_yaml(path)


def test_plain_values_become_typed():
    raw = {"items": [{"size": 3}], "named": {"a": {"kind": "fancy"}}, "one": {}}
    assert convert(raw, Outer, "file") == Outer((Inner(3),), {"a": Inner(kind="fancy")}, Inner())


@pytest.mark.parametrize(("raw", "fragment"), [
    ({"itms": []}, "unknown key 'itms'; did you mean 'items'"),
    ({"items": [{"sise": 1}]}, "unknown key 'items[0].sise'; did you mean 'size'"),
    ({"named": {"a": {"sise": 1}}}, "unknown key 'named.a.sise'"),
    ({"one": {"sise": 1}}, "unknown key 'one.sise'"),
    ({"one": {"kind": "fency"}}, "one.kind: no 'fency'; did you mean 'fancy'"),
    ({"one": {"size": "3"}}, "$.one.size"),
])
def test_bad_settings_are_named(raw, fragment):
    with pytest.raises(InputError) as error:
        convert(raw, Outer, "file")
    assert str(error.value).startswith("file: ") and fragment in str(error.value)
