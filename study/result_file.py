"""The result file of a run: what every version of it holds, and which ones can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from datasets.errors import InputError
from datasets.files import read_json_if_whole
from study.identity import EVALUATION


class _Cell(msgspec.Struct):
    dataset: str
    detector: str
    fraction: float
    draw: int
    seed: int


class _Metric(msgspec.Struct, rename={"class_": "class"}):
    metric: str
    class_: str
    value: float | None


class _Result(msgspec.Struct):
    """What table and report need; the rest, as docs/tracking.md lists it, may be missing in older files."""

    cell: _Cell
    recipe: str
    images: int
    boxes: int
    steps: int
    checkpoint: str
    train_seconds: float
    evaluate_seconds: float
    metrics: list[_Metric]


def read_result(path: Path) -> dict[str, Any] | None:
    """Return the content of a result file, None where it is absent or not JSON, which is said on stderr.

    Raises InputError where it is of a version that cannot be read here.
    """
    content = _read(path)
    try:
        if content is not None:
            msgspec.convert(content, _Result)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: not a result file of this version ({error}); delete it and run the study "
                         "again") from None
    return content


def is_result_of(path: Path, fingerprint: str) -> bool:
    """Tell whether the file is the result of the evaluation with this fingerprint; one of an older version is not.

    Raises InputError for one of a newer version, which is not to be written over.
    """
    content = _read(path)
    return isinstance(content, dict) and content.get("fingerprint") == fingerprint


def _read(path: Path) -> Any:
    """Return what the file holds. Raises InputError where a newer version has written it."""
    content = read_json_if_whole(path)
    layout = content.get("layout", 0) if isinstance(content, dict) else 0
    if isinstance(layout, int) and layout > EVALUATION:
        raise InputError(f"{path}: written by a newer version (layout {layout}, this one knows {EVALUATION}); update "
                         "the code, or delete the file to evaluate the run again with this one")
    return content
