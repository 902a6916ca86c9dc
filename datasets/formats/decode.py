"""Large JSON files into typed structs, with errors that name the record."""

from __future__ import annotations

import gc
import hashlib
import mmap
import re
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from datasets.errors import InputError

_T = TypeVar("_T")
_NOT_A_NUMBER = re.compile(rb"-?(?:NaN|Infinity)")
_BYTE = re.compile(r"\(byte (\d+)\)")


def decode(path: str | Path, kind: type[_T], what: str) -> tuple[_T, str]:
    """Return the content of the JSON file at `path` as `kind`, and its SHA-256.

    Raises InputError, which calls the file not `what` and names the place, where it is anything else.
    """
    try:
        with (open(path, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
              ThreadPoolExecutor(1) as pool, collector_off()):
            checksum = _start_hashing(content, pool)
            try:
                decoded = msgspec.json.decode(content, type=kind)
            except msgspec.DecodeError as error:
                raise InputError(f"{path}: not {what} ({_explain(content, error, kind)}); correct that record, or "
                                 "export the file again") from None
            return decoded, checksum.result()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; check the path") from None
    except (ValueError, RecursionError) as error:  # an empty file cannot be mapped
        raise InputError(f"{path}: not {what} ({error}); export the file again") from None


def _start_hashing(content: mmap.mmap, pool: ThreadPoolExecutor) -> Future[str]:
    """Hash `content` on another core. The decoder keeps Python's lock, so this returns once the lock was let go."""
    begun = threading.Event()

    def digest() -> str:
        begun.set()
        return hashlib.sha256(content).hexdigest()

    checksum = pool.submit(digest)
    begun.wait()
    return checksum


def _explain(content: mmap.mmap, error: msgspec.DecodeError, kind: type) -> str:
    """Return what is wrong and where: the record with NaN or infinity in it, or the text around the place."""
    if isinstance(error, msgspec.ValidationError):
        return str(error)
    place = _BYTE.search(str(error))
    byte = int(place[1]) if place else len(content)
    number = _NOT_A_NUMBER.match(content, max(byte - 1, 0)) or _NOT_A_NUMBER.match(content, byte)
    if number and (record := _name_record(content, number, kind)):
        return record
    excerpt = content[max(byte - 60, 0):byte + 20].decode("utf-8", "replace")
    return f"{error}, near '{' '.join(excerpt.split())}'"


def _name_record(content: mmap.mmap, number: re.Match[bytes], kind: type) -> str:
    """Return the path of a NaN: with text in its place, the decoder names it; empty if it does not look there."""
    quoted = b'"' + b" " * (number.end() - number.start() - 2) + b'"'
    try:
        msgspec.json.decode(content[:number.start()] + quoted + content[number.end():], type=kind)
    except msgspec.ValidationError as error:
        return str(error).replace("got `str`", f"got {number[0].decode()}")
    except msgspec.DecodeError:
        pass
    return ""


@contextmanager
def collector_off() -> Iterator[None]:
    """Pause the cycle collector: it would visit every one of a million new records, and none is in a cycle."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
