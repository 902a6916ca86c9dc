"""Annotations of any format: recognised by content, read, checked and mapped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from datasets.annotations import Annotations
from datasets.errors import InputError, nearest
from datasets.findings import ReadReport
from datasets.table import Table, assemble

FORMATS = ("coco", "bdd", "voc", "yolo")  # modules of datasets.formats, loaded when asked for
_FIRST_KEY = re.compile(rb'\{\s*"((?:[^"\\]|\\.)*)"')
_BDD_KEYS = (b"[", b"frames", b"groups", b"config", b"name")  # that a Scalabel file may start with
_COCO_KEYS = (b"images", b"annotations", b"categories", b"info", b"licenses")


def read(path: str | Path, *, format: str = "", split: str = "", class_map: str = "", classes: Sequence[str] = (),
         strict: bool = False, lenient: bool = False) -> tuple[Annotations, ReadReport]:
    """Return the annotations at `path` (a file, or a folder of the formats that are folders) and what is odd there.

    `format` is one of FORMATS, recognised if empty; `split` is that of a folder ("train", "val"). `class_map` is a
    name in configs/class_maps or a YAML file; `classes` then keeps those names, in that order. `strict` refuses what
    a rule would repair or skip; `lenient` takes a class that the file lacks for one without boxes.
    Raises InputError that names the file, the record and the remedy.
    """
    return assemble(read_table(path, format, split), class_map, classes, strict, lenient)


def read_table(path: str | Path, format: str = "", split: str = "") -> Table:
    """Return the records at `path` as columns, before any rule or class map. Raises InputError as `read` does."""
    name = format.lower() or recognise(path)
    if name not in FORMATS:
        raise InputError(f"no annotation format '{format}'; {nearest(format, FORMATS)}")
    return import_module(f"datasets.formats.{name}").read_table(Path(path), split)


def has_splits(path: str | Path, format: str = "") -> bool:
    """Tell whether what lies at `path` holds several splits: a YOLO data set, or a folder of more than XML files."""
    path = Path(path)
    if (format or recognise(path)) == "yolo":
        return True
    if not path.is_dir() or next(path.glob("*.xml"), None):
        return False
    return (path / "ImageSets").is_dir() or not any((path / name).is_dir() for name in ("Annotations", "annotations"))


def recognise(path: str | Path) -> str:
    """Return the format of what lies at `path`, by its content. Raises InputError where it is none of FORMATS."""
    path = Path(path)
    if path.is_dir():
        for name, pattern in (("yolo", "data.yaml"), ("yolo", "data.yml"), ("voc", "Annotations/*.xml"),
                              ("voc", "*.xml"), ("voc", "*/*.xml"), ("bdd", "*.json")):
            if first := next(path.glob(pattern), None):
                if name == "bdd" and _first_key(first) in _COCO_KEYS:
                    raise InputError(f"{path}: a folder with COCO files; name the file itself, such as {first}")
                return name
        raise InputError(f"{path}: neither data.yaml (YOLO) nor XML files (VOC) nor JSON files of frames (BDD) there; "
                         "name the annotation file of a COCO data set itself")
    if path.suffix.lower() in (".yaml", ".yml"):
        return "yolo"
    if path.suffix.lower() == ".xml":
        raise InputError(f"{path}: a single VOC file; name the folder it is in")
    return "bdd" if _first_key(path) in _BDD_KEYS else "coco"


def _first_key(path: Path) -> bytes:
    """Return the first key of the object that a JSON file holds, or the list's bracket; else nothing."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(4096).lstrip()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; check the path") from None
    first = _FIRST_KEY.match(head)
    return first[1] if first else head[:1]
