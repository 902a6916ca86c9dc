"""Pascal VOC: an XML file per image, in the folders of its development kit or beside the images, read into a table."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from datasets.errors import InputError, nearest
from datasets.findings import Finding, found
from datasets.formats.folder import (
    IMAGE_SUFFIXES,
    checksum_of,
    read_lines,
    read_small,
    sha256,
    spellings,
    visible_names,
)
from datasets.formats.voc_xml import Image, ImageFolder, class_names, parse_xml, read_image
from datasets.table import Table

CLASSES = ("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
           "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor")
_FOLDERS = {"Annotations": "JPEGImages", "annotations": "images"}  # of XML files and of their images


@dataclass(frozen=True)
class _Files:
    """XML files and the folder of their images, relative to the data set's folder."""

    split: Sequence[str]  # those of the split
    others: Sequence[str]
    images: str  # the folder of the split's images
    list: str = ""  # the file that lists the split
    repeats: Sequence[str] = ()  # what that lists again


def read_table(path: str | Path, split: str = "") -> Table:
    """Read one split of a VOC folder as it is; train if none is named, all of it where it has no lists of splits.

    Corners are inclusive and count from 1 (width = xmax - xmin + 1 in VOCevaldet.m of the development kit), so
    x = xmin - 1. Difficult objects, which the kit ignores in evaluation, become crowd regions, which COCO ignores.
    Raises InputError naming the file and the object for anything else than VOC annotations.
    """
    folder = Path(path)
    files = _find(folder, split)
    digests = {files.list: sha256(read_small(folder / files.list))} if files.list else {}
    image_folder = _list_images(folder, files.images)
    images, names = [], set()
    for name in files.split:
        root, digests[name] = parse_xml(folder / name)
        images.append(read_image(root, folder, name, image_folder))
        names.update(o.name for o in images[-1].objects)
    for name in files.others:  # so that every split has the same categories
        names |= class_names(parse_xml(folder / name)[0], folder / name)
    images.sort(key=lambda image: image.file_name)
    findings = _gather([{"repeated image": files.repeats}, *(image.oddities for image in images)])
    return _tabulate(images, names, str(path), checksum_of(digests), findings)


def _tabulate(images: Sequence[Image], names: set[str], source: str, checksum: str,
              findings: Iterable[Finding]) -> Table:
    standard = bool(names) and names.issubset(CLASSES)
    categories = CLASSES if standard else tuple(sorted(names))
    position = {name: index for index, name in enumerate(categories)}
    objects = [o for image in images for o in image.objects]
    records = [o.record for o in objects]
    return Table(
        format="voc",
        source=source,
        checksum=checksum,
        categories=categories,
        category_ids=tuple(range(1, len(categories) + 1)),
        complete=standard,
        image_ids=np.arange(1, len(images) + 1),
        file_names=tuple(image.file_name for image in images),
        widths=np.array([image.width for image in images], np.int32),
        heights=np.array([image.height for image in images], np.int32),
        images=np.repeat(np.arange(len(images)), [len(image.objects) for image in images]),
        classes=np.array([position[o.name] for o in objects], np.int32),
        boxes=np.array([o.box for o in objects], float).reshape(-1, 4),
        areas=np.full(len(objects), np.nan),
        crowd=np.array([o.difficult for o in objects], bool),
        box_name=records.__getitem__,
        findings=tuple(findings),
        images_root=source,
    )


def _gather(oddities: Iterable[Mapping[str, Sequence[str]]]) -> list[Finding]:
    """Return the finding of each rule, from the records that each image has for it."""
    gathered: defaultdict[str, list[str]] = defaultdict(list)
    for rule, records in chain.from_iterable(oddity.items() for oddity in oddities):
        gathered[rule].extend(records)
    return [finding for rule, records in gathered.items()
            for finding in found(rule, range(len(records)), records.__getitem__)]


def _find(folder: Path, split: str) -> _Files:
    """Return the files of a split. Raises InputError for a folder without XML files, or without that split."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name the one that holds the XML files or Annotations")
    for name, images in _FOLDERS.items():
        if (folder / name).is_dir() and (every := _list_xml(folder, name)):
            return _find_listed(folder, every, name, images, split)
    if (own := _list_xml(folder, "")) and not split:
        return _Files(own, (), "")
    parts = {name: files for name in sorted(os.listdir(folder))
             if (folder / name).is_dir() and (files := _list_xml(folder, name))}
    if not parts and not own:
        raise InputError(f"{folder}: no XML files there; name the folder that holds them or Annotations")
    chosen = next((name for name in spellings(split) if name in parts), None)
    if chosen is None:
        raise InputError(f"{folder}: no split '{split or 'train'}' there; "
                         + (nearest(split, parts) if parts else "leave the split out"))
    return _Files(parts[chosen], [name for part in parts if part != chosen for name in parts[part]], chosen)


def _find_listed(folder: Path, every: Sequence[str], annotations: str, images: str, split: str) -> _Files:
    """Return the files that ImageSets/Main lists for a split; all where none is named and there is no list of train."""
    lists = {p.stem: p.relative_to(folder).as_posix() for p in (folder / "ImageSets" / "Main").glob("*.txt")}
    chosen = next((lists[name] for name in spellings(split) if name in lists), "")
    if not chosen and split:
        raise InputError(f"{folder}: no split '{split}' in ImageSets/Main; "
                         + (nearest(split, lists) if lists else "leave the split out"))
    if not chosen:
        return _Files(every, (), images)
    known, listed, repeats = set(every), set(), []
    for number, stem in read_lines(folder / chosen):
        name = f"{annotations}/{stem}.xml"
        if name not in known:
            raise InputError(f"{folder / chosen} line {number}: lists {stem:.80}, but {annotations} has no such XML "
                             "file; restore it or remove the line")
        if name in listed:
            repeats.append(name)
        listed.add(name)
    return _Files(sorted(listed), sorted(known - listed), images, chosen, repeats)


def _list_xml(folder: Path, name: str) -> list[str]:
    place = folder / name
    return [os.path.join(name, entry) for entry in visible_names(place, os.listdir(place), ".xml")]


def _list_images(folder: Path, name: str) -> ImageFolder:
    place = folder / name
    names = visible_names(place, os.listdir(place), IMAGE_SUFFIXES) if place.is_dir() else []
    return ImageFolder(name, frozenset(names), {os.path.splitext(n)[0]: n for n in reversed(names)})
