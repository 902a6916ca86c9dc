"""COCO annotation files: read once with every reference checked, written back in the same form."""

from __future__ import annotations

import gc
import hashlib
import mmap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from datasets.annotations import Annotations, clip_boxes
from datasets.errors import InputError, nearest
from datasets.files import whole_file

_Id = Annotated[int, Meta(ge=-2**63, le=2**63 - 1)]
_Pixels = Annotated[int, Meta(ge=1, le=2**31 - 1)]
_Size = Annotated[float, Meta(ge=0)]  # JSON has no NaN, and msgspec refuses numbers out of range


class _Image(msgspec.Struct, gc=False):
    id: _Id
    file_name: str
    width: _Pixels
    height: _Pixels


class _Box(msgspec.Struct, gc=False):
    image_id: _Id
    category_id: _Id
    bbox: tuple[float, float, _Size, _Size]
    area: _Size | None = None
    iscrowd: int = 0


class _Category(msgspec.Struct, gc=False):
    id: _Id
    name: str


class _File(msgspec.Struct, gc=False):
    images: list[_Image]
    annotations: list[_Box]
    categories: list[_Category]


@dataclass(frozen=True)
class ReadReport:
    """What is notable about a file's boxes. Those of other classes are left out; no box is changed."""

    listed: int  # in the file
    other_classes: int  # not among the classes asked for
    empty: int  # no width or height inside the image
    over_edge: int  # partly outside the image


def read_coco(path: str | Path, classes: Sequence[str] = ()) -> Annotations:
    """Read a COCO file; `classes` keeps those names, in that order (default: all, by id).

    Boxes are exactly those of the file, so that evaluation is pycocotools' on it; training takes `for_training`.
    Raises InputError naming the file and the record for anything that cannot be trusted.
    """
    return read_coco_reported(path, classes)[0]


def read_coco_reported(path: str | Path, classes: Sequence[str] = ()) -> tuple[Annotations, ReadReport]:
    """Do as `read_coco` does, and also count what is notable."""
    with _collector_off():
        file, checksum = _decode(path)
        categories = _choose(file.categories, classes, path)
        image_ids, widths, heights = _image_arrays(file.images, path)
        boxes, areas, crowd = _box_arrays(file.annotations)
        images = _positions(image_ids, (b.image_id for b in file.annotations), "image_id", path)
        kinds = _positions(_column(c.id for c in file.categories), (b.category_id for b in file.annotations),
                           "category_id", path)
    class_of = np.full(len(file.categories), -1, np.int32)
    class_of[[file.categories.index(c) for c in categories]] = np.arange(len(categories))
    classes_of_boxes = class_of[kinds]

    keep = np.flatnonzero(classes_of_boxes >= 0)
    keep = keep[np.argsort(images[keep], kind="stable")]
    annotations = Annotations(
        categories=tuple(c.name for c in categories),
        category_ids=tuple(c.id for c in categories),
        image_ids=image_ids,
        file_names=tuple(i.file_name for i in file.images),
        widths=widths,
        heights=heights,
        starts=np.searchsorted(images[keep], np.arange(len(image_ids) + 1)),
        boxes=boxes[keep],
        classes=classes_of_boxes[keep],
        crowd=crowd[keep],
        areas=np.where(np.isnan(areas), boxes[:, 2] * boxes[:, 3], areas)[keep],
        source=str(path),
        checksum=checksum,
    )
    return annotations, _report(annotations, len(boxes))


def _report(annotations: Annotations, listed: int) -> ReadReport:
    image = annotations.image_of_box()
    inside = clip_boxes(annotations.boxes, annotations.widths[image], annotations.heights[image])
    empty = ~(inside[:, 2:] > 0).all(axis=1)
    over_edge = ~empty & (inside != annotations.boxes).any(axis=1)
    return ReadReport(listed, listed - annotations.num_boxes, int(empty.sum()), int(over_edge.sum()))


def write_coco(path: str | Path, annotations: Annotations) -> None:
    """Write `annotations` as a COCO file, whole or not at all. Boxes are numbered from 1."""
    content = msgspec.json.encode({
        "images": [
            {"id": id_, "file_name": name, "width": width, "height": height}
            for id_, name, width, height in zip(annotations.image_ids.tolist(), annotations.file_names,
                                                annotations.widths.tolist(), annotations.heights.tolist())
        ],
        "annotations": [
            {"id": id_, "image_id": image, "category_id": annotations.category_ids[class_], "bbox": box,
             "area": area, "iscrowd": crowd}
            for id_, image, class_, box, area, crowd in zip(
                range(1, annotations.num_boxes + 1),
                annotations.image_ids[annotations.image_of_box()].tolist(), annotations.classes.tolist(),
                annotations.boxes.tolist(), annotations.areas.tolist(), annotations.crowd.astype(int).tolist())
        ],
        "categories": [{"id": id_, "name": name}
                       for id_, name in zip(annotations.category_ids, annotations.categories)],
    })
    with whole_file(path) as part:
        part.write_bytes(content)


@contextmanager
def _collector_off() -> Iterator[None]:
    """Pause the cycle collector: it would visit every one of a million new records, and none is in a cycle."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _decode(path: str | Path) -> tuple[_File, str]:
    """Return the typed content of a COCO file and its SHA-256."""
    try:
        with open(path, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return msgspec.json.decode(content, type=_File), hashlib.sha256(content).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; check the path") from None
    except (ValueError, RecursionError) as error:  # msgspec names the place; an empty file cannot be mapped
        raise InputError(f"{path}: not a COCO annotation file ({error})") from None


def _choose(listed: list[_Category], classes: Sequence[str], path: str | Path) -> list[_Category]:
    """Return the categories to keep: all by id, or `classes` in their order."""
    if not listed:
        raise InputError(f"{path}: lists no categories")
    for key in ("id", "name"):
        _refuse_repeats([getattr(c, key) for c in listed], f"categories[].{key}", path)
    by_name = {c.name: c for c in listed}
    for name in classes:
        if name not in by_name:
            raise InputError(f"{path}: no class '{name}'; {nearest(name, by_name)}")
    _refuse_repeats(list(classes), "the classes asked for", path)
    return [by_name[n] for n in classes] if classes else sorted(listed, key=lambda c: c.id)


def _image_arrays(images: list[_Image], path: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ids int64 [I], widths int32 [I] and heights int32 [I]."""
    if not images:
        raise InputError(f"{path}: lists no images")
    _refuse_repeats([i.id for i in images], "images[].id", path)
    _refuse_repeats([i.file_name for i in images], "images[].file_name", path)
    widths, heights = (np.array([getattr(i, side) for i in images], np.int32) for side in ("width", "height"))
    return _column(i.id for i in images), widths, heights


def _box_arrays(records: list[_Box]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return boxes float64 [B, 4] as written, areas float64 [B] (nan where absent) and crowd bool [B]."""
    boxes = np.fromiter(chain.from_iterable(b.bbox for b in records), float, 4 * len(records)).reshape(-1, 4)
    areas = np.fromiter((np.nan if b.area is None else b.area for b in records), float, len(records))
    crowd = np.fromiter((b.iscrowd != 0 for b in records), bool, len(records))
    return boxes, areas, crowd


def _positions(known: np.ndarray, wanted: Iterable[int], key: str, path: str | Path) -> np.ndarray:
    """Return int64 [B]: where each of `wanted` stands in `known`. Raises InputError for one that does not."""
    ids = _column(wanted)
    order = np.argsort(known)
    positions = order[np.minimum(np.searchsorted(known, ids, sorter=order), len(known) - 1)]
    unknown = np.flatnonzero(known[positions] != ids)
    if len(unknown):
        first = unknown[0]
        raise InputError(f"{path}: annotations[{first}].{key} is {ids[first]}, which the file does not list; "
                         f"remove the record or add what it refers to ({len(unknown)} such)")
    return positions


def _column(values: Iterable[int]) -> np.ndarray:
    return np.fromiter(values, np.int64)


def _refuse_repeats(values: list, what: str, path: str | Path) -> None:
    if len(set(values)) < len(values):
        seen: set = set()
        repeated = next(v for v in values if v in seen or seen.add(v))
        raise InputError(f"{path}: {what}: {repeated!r} appears twice; keep one")
