"""Scalabel's files, in which BDD100K's labels come: frames read one by one, their labels packed at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from sys import intern
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from msgspec.structs import astuple

from datasets.errors import InputError
from datasets.formats.decode import decode
from datasets.formats.packed import length_bytes, view

_FRAME = re.compile(r"`\$(?:\.frames)?\[(\d+)\][^`]*`")  # in the text of an error
_NOT_A_NUMBER = re.compile(rb"([:,\[]\s*)-?(?:NaN|Infinity)(?=\s*[,\]}])")
_NO = ("", "0", "false", "no", "none")  # what an attribute written as text says where it does not hold
_ENCODER = msgspec.msgpack.Encoder()
_BOX = np.dtype({"names": ["x1", "y1", "x2", "y2"], "formats": 4 * [">f8"], "offsets": [5, 17, 29, 41],
                 "itemsize": 49})  # of a _Box in MessagePack: keys of three bytes, numbers of eight, marks of one
_PACKED = re.compile(rb"\x84\xa2x1\xcb.{8}\xa2y1\xcb.{8}\xa2x2\xcb.{8}\xa2y2\xcb.{8}", re.DOTALL)

_Coordinate = Annotated[float, Meta(ge=-1e9, le=1e9)]
_Pixels = Annotated[int, Meta(ge=1, le=2**31 - 1)]
_Name = Annotated[str, Meta(min_length=1, max_length=4096)]
_Class = Annotated[str, Meta(max_length=200)]
_Flag = bool | int | float | str | None


class _Box(msgspec.Struct, gc=False):
    x1: _Coordinate
    y1: _Coordinate
    x2: _Coordinate
    y2: _Coordinate


class _Attributes(msgspec.Struct, gc=False, frozen=True):
    crowd: _Flag = False
    ignored: _Flag = False
    Crowd: _Flag = False  # the spelling of older exports
    Ignored: _Flag = False


_PLAIN = _Attributes()


class _Label(msgspec.Struct, gc=False):
    category: _Class | None = None
    box2d: _Box | None = None
    attributes: _Attributes | None = _PLAIN


class Packed(msgspec.Struct, gc=False):
    """The labels of a frame, L of which B are boxes."""

    names: list[str]  # L, empty for a label without category
    boxed: bytes  # L, 1 for a box
    corners: bytes  # B boxes in MessagePack, which takes a third of the time of Python's own means
    crowd: bytes  # B, 1 for crowd and ignored regions


class Size(msgspec.Struct, gc=False):
    """The size of an image in pixels."""

    width: _Pixels
    height: _Pixels


class Frame(msgspec.Struct, gc=False):
    """An image and its labels."""

    name: _Name = ""  # never empty once `read_file` returns it
    videoName: str | None = None
    size: Size | None = None
    labels: list[_Label] | None = None
    objects: list[_Label] | None = None  # what labels are called where each image has a file of its own
    packed: Any = msgspec.field(default=None, name="")  # Packed; not read from the file

    def __post_init__(self) -> None:
        """Pack the labels as soon as the frame is read: a whole file's would take 400 MB more."""
        self.packed = _pack(self.labels or self.objects or [])
        self.labels = self.objects = None


class _Category(msgspec.Struct, gc=False):
    name: _Class
    subcategories: list[_Category] | None = None


class Config(msgspec.Struct, gc=False):
    """What a file says about all its frames."""

    imageSize: Size | None = None
    categories: list[_Class | _Category] | None = None


class File(msgspec.Struct, gc=False):
    """Frames, and what they have in common."""

    frames: list[Frame]
    name: _Name | None = None  # of the image, where each has a file of its own
    config: Config | None = None


class _Named(msgspec.Struct, gc=False):
    name: Any = None


class _NamedFile(msgspec.Struct, gc=False):
    frames: list[_Named]


def read_file(path: Path) -> tuple[File, str]:
    """Return a file's frames and its SHA-256: a list of them, with `config` and `groups`, or an image's own file.

    Raises InputError naming the file and the record for anything else.
    """
    kind: Any = list[Frame] | File
    try:
        content, checksum = decode(path, kind, "a BDD100K or Scalabel file")
    except InputError as error:
        raise InputError(_name_frame(path, str(error))) from None
    file = content if isinstance(content, File) else File(content)
    if file.name and len(file.frames) == 1 and not file.frames[0].name:
        file.frames[0].name = file.name if Path(file.name).suffix else f"{file.name}.jpg"
    nameless = next((index for index, frame in enumerate(file.frames) if not frame.name), None)
    if nameless is not None:
        raise InputError(f"{path}: frames[{nameless}] has no name; give it that of its image file")
    return file, checksum


def coco_boxes(packed: Iterable[Packed]) -> np.ndarray:
    """Return float64 [B, 4]: the boxes [x, y, width, height] of several frames. Both corners belong to a box.

    Scalabel's box2d_to_bbox (scalabel/label/transforms.py) counts the last pixel, whatever the layout: BDD100K's
    toolkit renames the classes of 2018 and converts both alike, and its first evaluation (bdd_data/evaluate.py, 2018)
    measured overlaps so. Swapped corners are left as they are: the size is negative, as in what Scalabel writes, and
    the box unusable, as for the toolkit of 2018 (bdd_data/label2det.py). An x2 less than a pixel below x1 is not
    swapped: with the last pixel counted, that is how a box narrower than a pixel is written.
    """
    corners = view(b"".join(p.corners for p in packed), 0, _BOX, _PACKED)
    return np.stack([corners["x1"], corners["y1"], corners["x2"] - corners["x1"] + 1,
                     corners["y2"] - corners["y1"] + 1], axis=1, dtype=float)


def leaf_categories(config: Config) -> list[str]:
    """Return the names of the categories that have no subcategories, in the order of their tree."""
    names, rest = [], [*reversed(config.categories or [])]
    while rest:
        category = rest.pop()
        if isinstance(category, str) or not category.subcategories:
            names.append(category if isinstance(category, str) else category.name)
        else:
            rest += reversed(category.subcategories)
    return names


def _pack(labels: list[_Label]) -> Packed:
    boxes = [label.box2d for label in labels]
    attributes = [label.attributes for label in labels]
    given = [box for box in boxes if box is not None]
    corners = _ENCODER.encode(given)
    plain = attributes.count(_PLAIN) == len(labels)
    return Packed(
        names=[intern(label.category or "") for label in labels],
        boxed=bytes([box is not None for box in boxes]),
        corners=corners[length_bytes(corners, len(given), _BOX.itemsize):],
        crowd=bytes(len(given)) if plain else bytes([_is_crowd(a) for a, box in zip(attributes, boxes) if box]),
    )


def _is_crowd(attributes: _Attributes | None) -> bool:
    """Return whether a label is a crowd or ignored: Scalabel's to_coco makes both iscrowd."""
    return attributes is not None and any(flag.strip().lower() not in _NO if isinstance(flag, str) else flag
                                          for flag in astuple(attributes))


def _name_frame(path: Path, message: str) -> str:
    """Return the message with the name of the frame whose number it has, for a file that few editors open.

    What is no number there has a number put in its place: otherwise nothing of the file could be decoded.
    """
    number = _FRAME.search(message)
    if not number:
        return message
    kind: Any = list[_Named] | _NamedFile
    try:
        content = msgspec.json.decode(_NOT_A_NUMBER.sub(rb"\g<1>0", path.read_bytes()), type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError, OSError):
        return message
    name = (content.frames if isinstance(content, _NamedFile) else content)[int(number[1])].name
    if not isinstance(name, str):
        return message
    return f"{message[:number.end()]}, frame {name!r:.100}{message[number.end():]}"
