import errno
import hashlib

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.files import read_json, read_json_if_whole, remove_parts, sha256_of, whole_file, write_json
from tests.full_disk import full_disk


def test_a_file_appears_only_when_whole(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with whole_file(path) as part:
        part.write_text("done")
        assert not path.exists()
    assert path.read_text() == "done" and list(path.parent.iterdir()) == [path]


def test_a_failure_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), whole_file(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_json_is_read_as_it_was_written(tmp_path):
    value = {"a": [1, 2.5, None, "é"]}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value


def test_nan_is_written_as_null(tmp_path):
    write_json(tmp_path / "a.json", {"a": [float("nan"), np.float64("inf"), np.int32(3)]})
    assert read_json(tmp_path / "a.json") == {"a": [None, None, 3]}


@pytest.mark.parametrize("content", [None, "{", "\xff"])
def test_unreadable_json_is_refused(tmp_path, content):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=r"a\.json"):
        read_json(path)


def test_checksums_are_those_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(InputError, match="check the path"):
        sha256_of(tmp_path / "b")


@pytest.mark.parametrize(("content", "value", "said"), [
    (None, None, ""), ('{"a": 1}', {"a": 1}, ""), ('{"a": ', None, "x.json: not valid JSON"), ("", None, "x.json: not"),
])
def test_what_can_be_made_again_may_be_damaged(tmp_path, capsys, content, value, said):
    if content is not None:
        (tmp_path / "x.json").write_text(content)
    assert read_json_if_whole(tmp_path / "x.json") == value
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == bool(said)


def test_what_killed_processes_have_left_is_removed(tmp_path):
    write_json(tmp_path / "x.json", 1)
    (tmp_path / ".x.json.part-1234abcd").touch()
    remove_parts(tmp_path)
    remove_parts(tmp_path / "absent")
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path):
    write_json(tmp_path / "x.json", 1)
    with full_disk(5000), pytest.raises(OSError) as error:
        write_json(tmp_path / "x.json", list(range(5000)))
    assert error.value.errno == errno.EFBIG
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"] and read_json(tmp_path / "x.json") == 1
