"""Detections as files: the COCO results format, checked once where it enters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypedDict

import msgspec

from datasets.annotations import Annotations
from datasets.errors import InputError
from datasets.files import read_json, whole_file


class Detection(TypedDict):
    """One record of the COCO results format."""

    image_id: int
    category_id: int
    bbox: Annotated[list[float], msgspec.Meta(min_length=4, max_length=4)]  # [x, y, width, height], pixels
    score: float  # in [0, 1]


def read_detections(path: str | Path, truth: Annotations) -> list[Detection]:
    """Read a COCO results file whose images and categories are those of `truth`.

    Raises InputError naming the file and the first record that cannot be scored.
    """
    try:
        # msgspec's own reader refuses NaN as malformed JSON, without the record it stands in.
        detections = msgspec.convert(read_json(path), list[Detection])
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: not a list of COCO results ({error})") from None
    images, categories = set(truth.image_ids.tolist()), set(truth.category_ids)
    for index, detection in enumerate(detections):
        if fault := _fault(detection, images, categories):
            raise InputError(f"{path}: [{index}].{fault}; truth: {truth.source or 'given'}")
    return detections


def write_detections(path: str | Path, detections: Sequence[Detection]) -> None:
    """Write `detections` as COCO results, whole or not at all."""
    with whole_file(path) as part:
        part.write_bytes(msgspec.json.encode(detections))


def _fault(detection: Detection, images: set[int], categories: set[int]) -> str:
    """Return what is wrong with `detection` and how to mend it, or an empty string."""
    if detection["image_id"] not in images:
        return f"image_id {detection['image_id']} is no image of the truth; score it against its own data set"
    if detection["category_id"] not in categories:
        return (f"category_id {detection['category_id']} is none of the truth's categories "
                f"{_abridge(sorted(categories))}; map the ids first")
    if not 0 <= detection["score"] <= 1:
        return f"score is {detection['score']}; it must be a number in [0, 1]"
    if not all(map(math.isfinite, detection["bbox"])) or min(detection["bbox"][2:]) < 0:
        return f"bbox is {detection['bbox']}; it must be finite [x, y, width, height] without negative size"
    return ""


def _abridge(ids: list[int], limit: int = 8) -> str:
    return ", ".join(map(str, ids[:limit])) + (", ..." if len(ids) > limit else "")
