"""YOLO label files: a line per box, polygon or pose of an image."""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from datasets.errors import InputError
from datasets.formats.folder import read_small, sha256
from datasets.orientation import TRANSPOSED, boxes_as_stored

_BOM = b"\xef\xbb\xbf"
_ROUNDING = 1e-6  # of the image: with six decimals, a box up to the edge ends this little before or behind it


@dataclass(frozen=True, eq=False)
class Labels:
    """The lines of all label files, L in number, in the order of the images."""

    values: np.ndarray  # float64 [L, 5]: class, then centre x, y, width and height as fractions of the image
    images: np.ndarray  # int64 [L], position of each line's image
    lines: np.ndarray  # int64 [L], its number in its file, from 1
    without: list[int]  # positions of images without a label file
    digests: dict[str, str]  # label file -> SHA-256


def read_labels(files: Sequence[str], columns: int, classes: int) -> Labels:
    """Read label files; images without one have no labels.

    Raises InputError if that is so for all of them, and for a line that is not a label of one of the classes.
    """
    values, images, lines = array("d"), array("q"), array("q")
    without, digests = [], {}
    for position, file in enumerate(files):
        if not os.path.lexists(file):
            without.append(position)
            continue
        content = read_small(file)
        digests[file] = sha256(content)
        for number, line in enumerate(content.removeprefix(_BOM).splitlines(), 1):
            if words := line.split():
                try:
                    values.extend(_read_words(words, columns))
                except ValueError as error:
                    raise InputError(f"{file} line {number}: {error}; write a class and the centre, width and height "
                                     "of a box, as fractions of the image") from None
                images.append(position)
                lines.append(number)
    if files and len(without) == len(files):
        raise InputError(f"{files[0]}: no such label file, and none for the {len(files)} images of the split; put the "
                         "label files there")
    labels = Labels(np.array(values).reshape(-1, 5), np.array(images, np.int64), np.array(lines, np.int64), without,
                     digests)
    _check_values(labels, files, classes)
    return labels


def _read_words(words: Sequence[bytes], columns: int) -> Sequence[float]:
    """Return class, centre x, y, width and height. Raises ValueError where a line has another number of values."""
    count = len(words)
    if columns and count == columns:
        words = words[:5]
    elif columns or (count != 5 and (count < 7 or count % 2 == 0)):
        raise ValueError(f"{count} values, not {columns or '5 (a box) or an odd number from 7 on (a polygon)'}")
    try:
        values = [float(word) for word in words]
    except ValueError:
        raise ValueError(f"{b' '.join(words)[:60].decode('utf-8', 'replace')!r} is not all numbers") from None
    return values if len(values) == 5 else _bound(values)


def _bound(values: Sequence[float]) -> Sequence[float]:
    """Return the class and the box around the points of a polygon, given as class, x, y, x, y…"""
    if not all(0 <= value <= 1 for value in values[1:]):
        raise ValueError("a point outside [0, 1]")
    left, right, top, bottom = min(values[1::2]), max(values[1::2]), min(values[2::2]), max(values[2::2])
    return values[0], (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


def _check_values(labels: Labels, files: Sequence[str], classes: int) -> None:
    """Raise InputError naming the first line with a box outside [0, 1] or a class that data.yaml does not name."""
    numbers, boxes = labels.values[:, 0], labels.values[:, 1:]
    unnamed = ~((numbers >= 0) & (numbers < classes) & (numbers == np.floor(numbers)))
    outside = ~((boxes >= 0) & (boxes <= 1))  # so that NaN is, too
    for row in np.flatnonzero(unnamed | outside.any(axis=1))[:1]:
        where = f"{files[int(labels.images[row])]} line {labels.lines[row]}"
        if unnamed[row]:
            raise InputError(f"{where}: class {numbers[row]:g} is none of 0 to {classes - 1}, which data.yaml names; "
                             "correct the line or add the name")
        value = boxes[row, outside[row].argmax()]
        raise InputError(f"{where}: {value:g} is outside [0, 1]; divide pixels by the image's width and height")


def split_repeats(labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the lines that are no repetition of an earlier one of their image, and those that are."""
    rows = np.column_stack([labels.images, labels.values])
    order = np.lexsort(rows.T[::-1])  # stable: the first of equal lines comes first
    same = np.zeros(len(rows), bool)
    same[order[1:]] = (rows[order[1:]] == rows[order[:-1]]).all(axis=1)
    return np.flatnonzero(~same), np.flatnonzero(same)


def to_pixels(boxes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return float64 [B, 4] [x, y, width, height] in pixels of boxes (centre and size as fractions).

    `sizes` is int [B, 3]: each image's displayed width and height, and orientation.
    """
    width, height, orientation = sizes.T
    ambiguous = (orientation < TRANSPOSED) | (width == height)  # the size is the same stored and displayed
    boxes = boxes_as_stored(boxes, np.where(ambiguous, orientation, 1))
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    low = np.where(np.abs(low) < _ROUNDING, 0, low) * sizes[:, :2]
    high = np.where(np.abs(high - 1) < _ROUNDING, 1, high) * sizes[:, :2]
    return np.concatenate([low, high - low], axis=1)
