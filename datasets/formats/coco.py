"""COCO annotation files: read into a table, written whole or as nested subsets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from datasets.annotations import Annotations
from datasets.errors import InputError
from datasets.files import whole_file
from datasets.findings import Finding, found
from datasets.formats.decode import collector_off, decode
from datasets.formats.packed import length_bytes, view
from datasets.table import Table, assemble

LARGEST_ID = 2**53  # beyond it floats, and with them other readers of JSON, skip numbers
Id = Annotated[int, Meta(ge=-LARGEST_ID, le=LARGEST_ID)]
_Pixels = Annotated[int, Meta(ge=1, le=2**31 - 1)]
_PACKED = re.compile(rb"\x86\xa8image_id\xcb.{8}\xabcategory_id\xcb.{8}\xa4bbox\x94(?:\xcb.{8}){4}\xa4area\xcb.{8}"
                     rb"\xa7iscrowd[\0\1]\xa2id\xcb.{8}", re.DOTALL)  # a _Box in MessagePack
_LUT_SPREAD = 32  # ids this many times sparser than their number are searched for, not tabulated


class _Image(msgspec.Struct, gc=False):
    id: Id
    file_name: Annotated[str, Meta(min_length=1, max_length=4096)]
    width: _Pixels
    height: _Pixels


class _Box(msgspec.Struct, gc=False):
    """Numbers are floats but for the flag, so that MessagePack writes each record in as many bytes: a table at once."""

    image_id: float
    category_id: float
    bbox: tuple[float, float, float, float]
    area: Annotated[float, Meta(ge=0)] = np.nan
    iscrowd: Annotated[int, Meta(ge=0, le=1)] = 0
    id: float = 0.0


class _Category(msgspec.Struct, gc=False):
    id: Id
    name: Annotated[str, Meta(min_length=1, max_length=200)]


class _File(msgspec.Struct, gc=False):
    images: list[_Image]
    annotations: list[_Box]
    categories: list[_Category]


class _WrittenBox(msgspec.Struct, gc=False):
    id: int
    image_id: int
    category_id: int
    bbox: list[float]
    area: float
    iscrowd: int


def read_table(path: str | Path, split: str = "") -> Table:
    """Read a COCO detection file (cocodataset.org, "Data format") as it is.

    Raises InputError naming the file and the record for anything of another type or shape, or where a split is asked
    for, which such a file does not have.
    """
    if split:
        raise InputError(f"{path}: a COCO file has no splits; leave '{split}' out, or name that split's file")
    file, checksum = decode(path, _File, "a COCO annotation file")
    images, repeats = _list_once(file.images)
    image_ids, category_ids = _column(images, "id"), tuple(c.id for c in file.categories)
    records = _columns(file.annotations)
    ids, image_of, category_of = (_whole(records, key, path) for key in ("id", "image_id", "category_id"))

    def box_name(row: int) -> str:
        return f"annotations[{row}] (id {ids[row]}, image {image_of[row]})"

    return Table(
        format="coco",
        source=str(path),
        checksum=checksum,
        categories=tuple(c.name for c in file.categories),
        category_ids=category_ids,
        complete=True,
        image_ids=image_ids,
        file_names=tuple(i.file_name for i in images),
        widths=_column(images, "width").astype(np.int32),
        heights=_column(images, "height").astype(np.int32),
        images=_positions(image_ids, image_of),
        classes=_positions(np.array(category_ids, np.int64), category_of).astype(np.int32),
        boxes=records["bbox"]["value"].astype(float),
        areas=records["area"].astype(float),
        crowd=records["iscrowd"] != 0,
        box_name=box_name,
        findings=(*repeats, *found("repeated box id", _repeated(ids), box_name)),
    )


def read_coco(path: str | Path, classes: Sequence[str] = ()) -> Annotations:
    """Read a COCO file; `classes` keeps those names, in that order (default: all, by id)."""
    return assemble(read_table(path), classes=classes)[0]


def write_coco(path: str | Path, annotations: Annotations) -> None:
    """Write `annotations` as a COCO file, whole or not at all. Boxes are numbered from 1."""
    write_subsets({path: annotations.num_images}, annotations)


def write_subsets(sizes: dict[str | Path, int] | dict[Path, int], annotations: Annotations) -> None:
    """Write the first images of `annotations` as a COCO file for each path of `sizes`, each with all its boxes.

    Records are encoded once: every file holds prefixes of the same bytes.
    """
    a = annotations
    with collector_off():
        images, image_ends = _encode(map(_Image, a.image_ids.tolist(), a.file_names, a.widths.tolist(),
                                         a.heights.tolist()))
        boxes, box_ends = _encode(map(_WrittenBox, range(1, a.num_boxes + 1), a.image_ids[a.image_of_box()].tolist(),
                                      np.array(a.category_ids)[a.classes].tolist(), a.boxes.tolist(),
                                      a.areas.tolist(), a.crowd.astype(int).tolist()))
    categories = msgspec.json.encode([{"id": id_, "name": name}
                                      for id_, name in zip(annotations.category_ids, annotations.categories)])
    for path, size in sizes.items():
        with whole_file(path) as part, open(part, "wb") as stream:
            stream.write(b'{"images":[\n')
            stream.write(images[:image_ends[size]])
            stream.write(b'],\n"annotations":[\n')
            stream.write(boxes[:box_ends[int(annotations.starts[size])]])
            stream.write(b'],\n"categories":' + categories + b"}\n")


def _encode(records: Iterable[msgspec.Struct]) -> tuple[memoryview, np.ndarray]:
    """Return the records as JSON, one a line with a comma between, and where the first 0, 1, 2… of them end."""
    lines = msgspec.json.Encoder().encode_lines(records).replace(b"\n", b",\n")
    ends = np.flatnonzero(np.frombuffer(lines, np.uint8) == ord("\n")) - 1  # before the comma
    return memoryview(lines), np.concatenate([[0], ends])


def _list_once(images: list[_Image]) -> tuple[list[_Image], list[Finding]]:
    """Return the images without those that repeat the id and file of an earlier one."""
    if len({image.id for image in images}) == len(images):
        return images, []
    first: dict[tuple[int, str], int] = {}
    for row, image in enumerate(images):
        first.setdefault((image.id, image.file_name), row)
    repeated = sorted(set(range(len(images))) - set(first.values()))
    names = [image.file_name for image in images]
    return [images[row] for row in first.values()], found("repeated image", repeated, names.__getitem__)


def _columns(records: list[_Box]) -> np.ndarray:
    """Return the records as a structured array [B], a field of big-endian floats for each of theirs."""
    layout: list[tuple] = [("map", "V1")]
    for name in _Box.__struct_fields__:
        layout.append((f"{name} key", f"V{1 + len(name)}"))
        if name == "bbox":
            layout += [("bbox list", "V1"), ("bbox", [("tag", "V1"), ("value", ">f8")], (4,))]
        elif name == "iscrowd":
            layout.append((name, "u1"))
        else:
            layout += [(f"{name} tag", "V1"), (name, ">f8")]
    kind = np.dtype(layout)
    content = msgspec.msgpack.encode(records)
    return view(content, length_bytes(content, len(records), kind.itemsize), kind, _PACKED)


def _whole(records: np.ndarray, key: str, path: str | Path) -> np.ndarray:
    """Return int64 [B]: the ids in a field. Raises InputError for one that is no whole number, or not exact."""
    values = records[key].astype(float)
    ids = np.clip(values, -LARGEST_ID, LARGEST_ID).astype(np.int64)
    if (wrong := np.flatnonzero(ids != values)).size:
        raise InputError(f"{path}: annotations[{wrong[0]}].{key} is {values[wrong[0]]:.17g}; ids are whole numbers up "
                         "to 2**53")
    return ids


def _column(records: Iterable[Any], key: str) -> np.ndarray:
    return np.fromiter(map(attrgetter(key), records), np.int64)


def _repeated(ids: np.ndarray) -> np.ndarray:
    """Return the rows of the ids that an earlier row has; 0 stands for none."""
    if not (np.diff(np.sort(ids)) == 0).any():
        return np.empty(0, np.int64)
    order = np.argsort(ids, kind="stable")
    again = order[1:][np.diff(ids[order]) == 0]
    return np.sort(again[ids[again] != 0])


def _positions(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return int64 [B]: where each of `wanted` stands in `known`; -1 where it does not."""
    if not len(known) or not len(wanted):
        return np.full(len(wanted), -1)
    low, high = int(known.min()), int(known.max())
    if high - low < _LUT_SPREAD * len(known) + 1000:
        table = np.full(high - low + 3, -1)  # a place before the lowest and one after the highest for all others
        table[known - low + 1] = np.arange(len(known))
        return table[np.clip(wanted, low - 1, high + 1) - low + 1]
    order = np.argsort(known)
    positions = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
    return np.where(known[positions] == wanted, positions, -1)
