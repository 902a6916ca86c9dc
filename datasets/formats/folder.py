"""What the formats that are folders of small files have in common."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping

from datasets.errors import InputError

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp")
LARGEST = 16 << 20  # bytes; a crowd of thousands of polygons in one image is less
VALIDATION = ("val", "valid", "validation")  # what the split is called


def read_small(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a file. Raises InputError for one that cannot be read, is no file or is too large."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # reading a pipe would wait for ever
            raise InputError(f"{path}: not a file; remove it")
        if status.st_size > LARGEST:
            raise InputError(f"{path}: {status.st_size >> 20} MB, too large for the labels of one image; remove it")
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; check the path") from None


def read_lines(path: str | os.PathLike[str]) -> list[tuple[int, str]]:
    """Return the lines of a text file that hold something, with their numbers from 1, without spaces at the ends."""
    try:
        lines = read_small(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error}); save it again as UTF-8") from None
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]


def sha256(content: bytes) -> str:
    """Return the SHA-256 of `content`, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def checksum_of(digests: Mapping[str, str]) -> str:
    """Return the SHA-256 of a folder: of its files' sorted names, each with the SHA-256 of the file."""
    lines = sorted(f"{name}, {digest}\n" for name, digest in digests.items())
    return sha256("".join(lines).encode())


def is_visible(name: str, suffixes: str | tuple[str, ...]) -> bool:
    """Return whether a file has one of `suffixes`, in either case, and is not hidden, as macOS' ``._`` files are."""
    return name.lower().endswith(suffixes) and not name.startswith(".")


def visible_names(folder: str | os.PathLike[str], names: Iterable[str], suffixes: str | tuple[str, ...]) -> list[str]:
    """Return those of the names in a folder that `is_visible` lets through, sorted.

    Raises InputError for one that is not UTF-8, as old archives have them: nothing could be written about it.
    """
    chosen = sorted(name for name in names if is_visible(name, suffixes))
    for path in (os.path.join(folder, name) for name in chosen):
        try:
            path.encode()
        except UnicodeEncodeError:
            readable = path.encode(errors="backslashreplace").decode()
            raise InputError(f"{readable}: file name is not UTF-8; rename it") from None
    return chosen


def spellings(split: str) -> tuple[str, ...]:
    """Return the names that a split may have: none given is train, and validation has three."""
    return VALIDATION if split in VALIDATION else (split or "train",)
