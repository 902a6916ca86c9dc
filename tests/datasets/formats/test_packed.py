import re

import msgspec
import numpy as np
import pytest

from datasets.formats.packed import length_bytes, view

KIND = np.dtype({"names": ["x", "y"], "formats": [">f8", ">f8"], "offsets": [4, 15], "itemsize": 23})
RECORD = re.compile(rb"\x82\xa1x\xcb.{8}\xa1y\xcb.{8}", re.DOTALL)


class Point(msgspec.Struct):
    x: float
    y: float


@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 2**16 - 1, 2**16])  # a list's length takes 1, 3 or 5 bytes
def test_numbers_come_back_however_long_the_list(count):
    content = msgspec.msgpack.encode([Point(k + 0.5, -k / 3) for k in range(count)])
    points = view(content, length_bytes(content, count, 23), KIND, RECORD)
    assert points["x"].tolist() == [k + 0.5 for k in range(count)]
    assert points["y"].tolist() == [-k / 3 for k in range(count)]


@pytest.mark.parametrize("odd", [{"x": 1, "y": 2.5}, {"x": 1.5, "y": 2.5, "z": 0}])
def test_records_of_another_size_are_refused(odd):
    content = msgspec.msgpack.encode([Point(1.5, 2.5), odd])
    with pytest.raises(RuntimeError, match="version of msgspec packs numbers in another way .2 records take"):
        length_bytes(content, 2, 23)


@pytest.mark.parametrize("row", [0, 2])
def test_records_of_the_same_size_with_other_fields_are_refused(row):
    records: list = 3 * [Point(1.5, 2.5)]
    records[row] = {"y": 2.5, "x": 1.5}
    content = msgspec.msgpack.encode(records)
    with pytest.raises(RuntimeError, match="msgspec packs numbers in another way .a record is"):
        view(content, length_bytes(content, 3, 23), KIND, RECORD)
