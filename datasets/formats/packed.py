"""Structs of numbers as msgspec packs them, all as long as each other: a list of them is one array.

MessagePack (msgpack.org, "Formats") writes a list's length, then each struct as a map: a byte, and for every field its
name after a byte and each number after another. Floats take eight bytes more; a flag is a byte.
"""

from __future__ import annotations

import re

import numpy as np


def length_bytes(content: bytes, count: int, size: int) -> int:
    """Return how many bytes a packed list of `count` structs, `size` bytes each, has before them.

    Raises RuntimeError where the structs are of another size.
    """
    before = 1 if count < 2**4 else 3 if count < 2**16 else 5
    if len(content) != before + count * size:
        raise _changed(f"{count} records take {len(content)} bytes, not {before + count * size}")
    return before


def view(content: bytes, start: int, kind: np.dtype, record: re.Pattern[bytes]) -> np.ndarray:
    """Return the structs packed from byte `start` on as an array [N] of `kind`.

    Raises RuntimeError where the first or the last is not as `record` says.
    """
    for place in {start, len(content) - kind.itemsize} if len(content) > start else ():
        if not record.fullmatch(content, place, place + kind.itemsize):
            raise _changed(f"a record is {content[place:place + kind.itemsize]!r:.300}")
    return np.frombuffer(content, kind, offset=start) if len(content) > start else np.empty(0, kind)


def _changed(what: str) -> RuntimeError:
    """Return an error about packing that is not what this module reads: every number would be wrong."""
    return RuntimeError(f"this version of msgspec packs numbers in another way ({what}); install the locked one")
