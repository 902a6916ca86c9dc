"""Which slot of an Open Images v4 detector knows a class, by its name.

`labels.csv` is the label map of the zoo's entries of 2018-12-12 (oid_v4_label_map.pbtxt; SHA-256 of the map
49147a2f9864544a89708f37492d216fbeaa30b2b4b0bb2f967b6d7a851cec32, of this file
7bbf61405dc8cf0861d030b82a5660435f83824ff9f36f6a01e642fb43cf5f4b): slot (1 to 601; 0 is the background), machine id,
name. `names.csv` adds the names of COCO, Pascal VOC and BDD100K (2018 and 2020) that differ, and usual synonyms.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
NUM_CLASSES = 601


def open_images_slot(name: str) -> int | None:
    """Return the slot (1 to 601) of the Open Images class that `name` means, None if there is none.

    A label as Open Images spells it is itself. Otherwise `names.csv` decides and then the labels, both without
    regard to case, hyphens and underscores: COCO's "mouse" is not Open Images' animal "Mouse".
    """
    slots = _slots()
    return slots.get(name) or slots.get(_names().get(_plain(name), "")) or _plain_slots().get(_plain(name))


@cache
def label_of(slot: int) -> str:
    """Return the Open Images name of a slot from 1 to 601."""
    return next(name for name, known in _slots().items() if known == slot)


def _plain(name: str) -> str:
    return " ".join(re.split(r"[\s_-]+", name.strip().casefold()))


@cache
def _slots() -> dict[str, int]:
    return {row["name"]: int(row["id"]) for row in _rows("labels.csv")}


@cache
def _plain_slots() -> dict[str, int]:
    return {_plain(name): slot for name, slot in _slots().items()}


@cache
def _names() -> dict[str, str]:
    return {_plain(row["name"]): row["label"] for row in _rows("names.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    with open(FOLDER / name, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
