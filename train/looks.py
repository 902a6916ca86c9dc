"""The looks at a tuning split, on disk. Without TensorFlow, for those who only ask how a training goes."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import msgspec


@dataclass(frozen=True)
class Look:
    """The AP on the tuning split after so many steps."""

    step: int
    ap: float


@dataclass(frozen=True)
class Noted:
    """What the file of looks says."""

    images: int = 0  # in the split
    looks: list[Look] = field(default_factory=list)
    finished: bool = False


def read_looks(path: Path) -> Noted:
    """Return the content of the file of looks. A damaged one counts as none, which is said on stderr."""
    if not path.exists():
        return Noted()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Noted)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        print(f"{path}: damaged ({error}): the looks are taken anew", file=sys.stderr, flush=True)
        return Noted()
