"""Detections as arrays, and as files in the COCO results format, checked once where they enter."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from datasets.annotations import Annotations
from datasets.errors import InputError
from datasets.files import whole_file
from datasets.formats.decode import collector_off, decode
from datasets.formats.packed import length_bytes, view

FOREIGN = 0.1  # share of detections wholly outside their images from which on these are other images
MISREAD, TELLING = 0.25, 10  # share of detections over the edge, of so many, from which on boxes may be corners
_PACKED = re.compile(rb"\x84\xa8image_id\xcb.{8}\xabcategory_id\xcb.{8}\xa4bbox\x94(?:\xcb.{8}){4}\xa5score\xcb.{8}",
                     re.DOTALL)  # a _Record in MessagePack
_KIND = np.dtype([("", "V11"), ("image", ">f8"), ("", "V13"), ("category", ">f8"), ("", "V7"),
                  ("x", ">f8"), ("", "V1"), ("y", ">f8"), ("", "V1"), ("width", ">f8"), ("", "V1"), ("height", ">f8"),
                  ("", "V7"), ("score", ">f8")])


class _Record(msgspec.Struct, gc=False):
    """One of COCO's results. All its numbers are floats, so that packed records are as long as each other."""

    image_id: float
    category_id: float
    bbox: tuple[float, float, float, float]
    score: float


class _WrittenRecord(msgspec.Struct, gc=False):
    image_id: int
    category_id: int
    bbox: list[float]
    score: float


@dataclass(frozen=True, eq=False)
class Detections:
    """D detections in the images of a truth. An image or class is its position in the truth, not an id."""

    images: np.ndarray  # int32 [D]
    classes: np.ndarray  # int32 [D]
    boxes: np.ndarray  # float64 [D, 4], COCO [x, y, width, height] in pixels
    scores: np.ndarray  # float64 [D], in [0, 1]

    def __len__(self) -> int:
        return len(self.scores)


def join(parts: list[Detections]) -> Detections:
    """Return the detections of all `parts`, in their order."""
    none = Detections(np.empty(0, np.int32), np.empty(0, np.int32), np.empty((0, 4)), np.empty(0))
    return Detections(*(np.concatenate([getattr(part, name) for part in [none, *parts]])
                        for name in ("images", "classes", "boxes", "scores")))


def read_detections(path: str | Path, truth: Annotations, others: Collection[int] = ()) -> Detections:
    """Read a COCO results file whose images and categories are those of `truth`.

    Detections of the categories with the ids `others` are passed over.
    Raises InputError naming the file and the first record that cannot be scored.
    """
    with collector_off():
        records = decode(path, list[_Record], "a list of COCO results")[0]
        content = msgspec.msgpack.encode(records)
    table = view(content, length_bytes(content, len(records), _KIND.itemsize), _KIND, _PACKED)
    images, known = _positions(table["image"].astype(np.float64), truth.image_ids)
    classes, mapped = _positions(table["category"].astype(np.float64), np.array(truth.category_ids))
    boxes = np.stack([table[side] for side in ("x", "y", "width", "height")], axis=1).astype(np.float64)
    scores = table["score"].astype(np.float64)
    foreign = np.isin(table["category"], list(others))
    fit = known & (mapped | foreign) & (scores >= 0) & (scores <= 1)
    bad = ~(fit & np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] >= 0).all(axis=1))
    if bad.any():
        raise InputError(f"{path}: {_fault(records, int(bad.argmax()), known, mapped | foreign, truth)}; "
                         f"truth: {truth.source or 'given'}")
    found = Detections(*(column[~foreign] for column in (images, classes, boxes, scores)))
    _refuse_misread(path, found, truth)
    return found


def write_detections(path: str | Path, detections: Detections, truth: Annotations) -> None:
    """Write `detections` as COCO results with the ids of `truth`, whole or not at all."""
    image_ids, category_ids = truth.image_ids[detections.images], np.array(truth.category_ids)[detections.classes]
    with collector_off(), whole_file(path) as part:
        part.write_bytes(msgspec.json.encode(list(map(
            _WrittenRecord, image_ids.tolist(), category_ids.tolist(), detections.boxes.tolist(),
            detections.scores.tolist()))))


def _positions(wanted: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return int32 [D], the position of each of `wanted` in `ids`, and bool [D], whether it is there at all."""
    order = np.argsort(ids)
    rising = ids[order].astype(np.float64)
    place = np.minimum(np.searchsorted(rising, wanted), len(ids) - 1)
    return order[place].astype(np.int32), rising[place] == wanted


def _fault(records: list[_Record], row: int, known: np.ndarray, mapped: np.ndarray, truth: Annotations) -> str:
    """Return what is wrong with record `row`, and how to mend it."""
    record, where = records[row], f"[{row}]."
    if not known.any():
        return f"{where}image_id {record.image_id:.17g} is no image of the truth, and none of the others is; these " \
               "are results of another data set"
    if not known[row]:
        return f"{where}image_id {record.image_id:.17g} is no image of the truth; score it against its own data set"
    if not mapped[row]:
        return (f"{where}category_id {record.category_id:.17g} is none of the truth's categories "
                f"{_abridge(sorted(truth.category_ids))}; map the ids first")
    if not 0 <= record.score <= 1:
        return f"{where}score is {record.score}; it must be a number in [0, 1]"
    return f"{where}bbox is {list(record.bbox)}; it must be finite [x, y, width, height] without negative size"


def _refuse_misread(path: str | Path, found: Detections, truth: Annotations) -> None:
    """Raise InputError where the boxes cannot be meant as they stand: they would score 0 without a word."""
    if not len(found):
        return
    x, y, width, height = found.boxes.T
    wide, high = truth.widths[found.images], truth.heights[found.images]
    with np.errstate(over="ignore"):
        over = (x + width > 1.02 * wide) | (y + height > 1.02 * high)
        outside = (x >= wide) | (y >= high) | (x + width < 0) | (y + height < 0)
    if found.boxes.max() <= 1 < min(wide.min(), high.min()):
        fault, row = "as are all, within 0 to 1; multiply them by their images' width and height", 0
    elif len(found) >= TELLING and over.mean() > MISREAD and np.mean((width >= x) & (height >= y)) > 0.99:
        fault, row = (f"which with {over.sum():,} of {len(found):,} ends beyond its image; these look like corners, "
                      "and COCO's are [x, y, width, height]"), int(over.argmax())
    elif outside.mean() > FOREIGN:
        fault, row = (f"which with {outside.sum():,} of {len(found):,} lies outside its image; score it against its "
                      "own data set, with boxes in pixels"), int(outside.argmax())
    else:
        return
    raise InputError(f"{path}: [{row}].bbox is {found.boxes[row].tolist()} in an image of {wide[row]} x {high[row]} "
                     f"pixels, {fault}; truth: {truth.source or 'given'}")


def _abridge(ids: list[int], limit: int = 8) -> str:
    return ", ".join(map(str, ids[:limit])) + (", ..." if len(ids) > limit else "")
