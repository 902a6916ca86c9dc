"""The XML file that Pascal VOC has for an image."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from datasets.errors import InputError
from datasets.formats.folder import read_small, sha256
from datasets.orientation import read_size

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_LARGEST = 2**31 - 1  # pixels


class Object(NamedTuple):
    name: str
    box: tuple[float, float, float, float]  # [x, y, width, height] in pixels
    difficult: bool
    record: str  # what a person can look up


class Image(NamedTuple):
    file_name: str
    width: int
    height: int
    objects: list[Object]
    oddities: dict[str, list[str]]  # rule -> records


class ImageFolder(NamedTuple):
    name: str  # relative to the data set's folder; "" for that itself
    present: frozenset[str]  # names of the image files in it
    by_stem: dict[str, str]  # name without extension -> the first of the names with it


def parse_xml(path: Path) -> tuple[Element, str]:
    """Return the outermost element of a VOC file, and the file's SHA-256. Raises InputError for anything else."""
    content = read_small(path)
    try:
        root = fromstring(content, forbid_dtd=True)
    except DefusedXmlException:
        raise InputError(f"{path}: has a DTD or entities, which are never followed; remove them") from None
    except (ParseError, ValueError, LookupError) as error:
        raise InputError(f"{path}: not well-formed XML ({error}); save it again or remove it") from None
    if root.tag != "annotation":
        raise InputError(f"{path}: not a VOC annotation, it starts with <{root.tag:.40}>; remove it")
    return root, sha256(content)


def read_image(root: Element, folder: Path, xml: str, images: ImageFolder) -> Image:
    """Return the image that the file `xml` in `folder` describes. Raises InputError naming it and the object."""
    oddities: dict[str, list[str]] = {}
    written, stem = _text(root, "filename", str(folder / xml), 4096), os.path.splitext(os.path.basename(xml))[0]
    name = _correct(written, stem, images)
    if name != written:
        oddities["other file name"] = [xml]
    file_name = f"{images.name}/{name}" if images.name else name
    width, height = (_side(root, side, folder / xml) for side in ("width", "height"))
    if not width or not height:
        try:
            width, height, _ = read_size(folder / file_name)
        except InputError as error:
            raise InputError(f"{folder / xml}: has no <size>, and {error}") from None
        oddities["no image size"] = [xml]
    objects = []
    for number, element in enumerate(root.findall("object"), 1):
        if (box := element.find("bndbox")) is None:
            oddities.setdefault("no box", []).append(f"{xml} object {number}")
        else:
            objects.append(_read_object(element, box, folder, f"{xml} object {number}"))
    return Image(file_name, width, height, objects, oddities)


def _correct(written: str, stem: str, images: ImageFolder) -> str:
    """Return the name of an existing image: the one written or that of the XML file; failing both, the one written."""
    if written in images.present:
        return written
    bare = re.split(r"[/\\]", written)[-1]
    return images.by_stem.get(stem) or (bare if bare.strip(".") else f"{stem}.jpg")


def _read_object(element: Element, box: Element, folder: Path, record: str) -> Object:
    where = str(folder / record)
    name = _name_of(element, where)
    xmin, ymin, xmax, ymax = (_number(box, corner, where) for corner in _CORNERS)
    if xmax < xmin or ymax < ymin:
        raise InputError(f"{where}: its corners are swapped ({xmin:g}, {ymin:g}, {xmax:g}, {ymax:g}); correct it")
    return Object(name, (xmin - 1, ymin - 1, xmax - xmin + 1, ymax - ymin + 1), _is_difficult(element, where), record)


def _is_difficult(element: Element, where: str) -> bool:
    """Return whether an object is marked difficult: 1. Nothing and PASCAL's own Unspecified count as 0."""
    text = _text(element, "difficult", where, 200)
    if text.lower() not in ("", "unspecified", "0", "1"):
        raise InputError(f"{where}: its <difficult> is '{' '.join(text.split()):.40}', neither 0 nor 1; correct it")
    return text == "1"


def class_names(root: Element, path: Path) -> set[str]:
    """Return the classes of a file's boxes. Raises InputError for an object without a name."""
    return {_name_of(element, f"{path} object {number}") for number, element in enumerate(root.findall("object"), 1)
            if element.find("bndbox") is not None}


def _name_of(element: Element, where: str) -> str:
    name = _text(element, "name", where, 200)
    if not name:
        raise InputError(f"{where}: has no <name>; add it")
    return name


def _text(element: Element, tag: str, where: str, longest: int) -> str:
    text = (element.findtext(tag) or "").strip()
    if len(text) > longest:
        raise InputError(f"{where}: its <{tag}> has {len(text)} characters, at most {longest} are read; shorten it")
    return text


def _number(element: Element, tag: str, where: str) -> float:
    text = element.findtext(tag)
    if text is None:
        raise InputError(f"{where}: has no <{tag}>; add it")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= _LARGEST:
        raise InputError(f"{where}: its <{tag}> is '{' '.join(text.split()):.40}', not a number of pixels; correct it")
    return value


def _side(root: Element, side: str, path: Path) -> int:
    """Return the width or height that a file states, 0 where it states none."""
    size = root.find("size")
    if size is None or size.find(side) is None:
        return 0
    value = _number(size, side, str(path))
    if value < 0 or value != int(value):
        raise InputError(f"{path}: its <{side}> is {value:g}, not a number of pixels; correct it")
    return int(value)
