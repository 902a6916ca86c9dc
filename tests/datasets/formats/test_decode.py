import gc
import hashlib

import msgspec
import pytest

from datasets.errors import InputError
from datasets.formats.decode import decode


class Row(msgspec.Struct):
    x: float


class Rows(msgspec.Struct):
    rows: list[Row]


def test_content_and_checksum_come_back(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'{"rows": [{"x": 1.5, "more": [1]}]}')
    assert decode(path, Rows, "rows") == (Rows([Row(1.5)]), hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize(("content", "fragment"), [
    (b"", "empty"), (b"{", "truncated, near '{'"),
    (b'{"rows": [{"x": 1}, {"x": 2', 'truncated, near \'{"rows": [{"x": 1}'),
    (b'{"rows": [{"x": 1} {"x": 2}]}', "near"), (b'{"rows": [{"x": NaN}]}', "got NaN - at `$.rows[0].x`"),
    (b'{"rows": [{"x": 1}, {"x":-Infinity}]}', "got -Infinity - at `$.rows[1].x`"),
    (b'{"rows": [], "y": NaN}', "NaN"), (b"\xff\xfe", "near"), (b"[" * 100_000, ""), (b"null", "got `null`"),
    (b'{"rows": [{"x": "1"}]}', "$.rows[0].x"), (b'{"rows": [{"x": 1e999}]}', "$.rows[0].x"),
])
def test_what_is_wrong_is_named_in_one_line(tmp_path, content, fragment):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        decode(path, Rows, "a file of rows")
    assert str(error.value).startswith(f"{path}: not a file of rows (") and fragment in str(error.value)
    assert str(error.value).endswith("export the file again")
    assert "\n" not in str(error.value) and len(str(error.value)) < 600 and gc.isenabled()


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="No such file or directory; check the path"):
        decode(tmp_path / "absent.json", Rows, "rows")
