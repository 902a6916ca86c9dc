"""Ultralytics' YOLO data sets: data.yaml, folders or lists of images, a text file of labels per image.

What is where follows docs.ultralytics.com/datasets/detect and `check_det_dataset` and `verify_image_label` there.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import numpy as np
from msgspec import Meta

from datasets.errors import InputError, nearest
from datasets.findings import Finding, found
from datasets.formats.folder import (
    IMAGE_SUFFIXES,
    VALIDATION,
    checksum_of,
    is_visible,
    read_lines,
    read_small,
    sha256,
    spellings,
    visible_names,
)
from datasets.formats.yolo_labels import Labels, read_labels, split_repeats, to_pixels
from datasets.orientation import read_size
from datasets.settings import read_yaml
from datasets.table import Table

_THREADS, _CHUNK = 4, 256  # images; handed over singly, threads cost more than they save
_Name = Annotated[str, Meta(min_length=1, max_length=200)] | int
_Count = Annotated[int, Meta(ge=1, le=10_000)]


class _Settings(msgspec.Struct, frozen=True):
    """What is read of data.yaml; training tools put much else there, also code to run, which stays where it is."""

    names: list[_Name] | dict[int, _Name]
    nc: int | None = None
    path: str | None = None
    kpt_shape: tuple[_Count, _Count] | None = None


@dataclass(frozen=True)
class _Split:
    root: str  # the folder that file names start from
    images: list[str]  # paths
    file_names: tuple[str, ...]  # the same relative to the root, sorted
    repeats: list[str]  # images that are listed more than once
    lists: list[str]  # text files that list the images


def read_table(path: str | Path, split: str = "") -> Table:
    """Read one split of a YOLO data set, given by its folder or its data.yaml; train if none is named.

    Polygons become their bounding boxes, poses their boxes. Sizes are those of the displayed picture, as Ultralytics
    takes them; where a picture is displayed mirrored, upside down or, if it is square, turned, its size would not
    tell, and its boxes are turned to the stored pixels instead.
    Raises InputError naming the file and the line for what is not a label, and for images that cannot be opened.
    """
    yaml = _find_yaml(Path(path))
    names, columns, places = _read_settings(yaml, split)
    part = _find_images(yaml, places)
    files = [_label_file(image) for image in part.images]
    labels = read_labels(files, columns, len(names))
    once, again = split_repeats(labels)
    sizes = _read_sizes(part.images)

    def record(row: int) -> str:
        return f"{_relative(files[labels.images[row]], part.root)} line {labels.lines[row]}"

    return Table(
        format="yolo",
        source=str(path),
        checksum=_checksum(labels, [str(yaml), *part.lists], part.root),
        categories=names,
        category_ids=tuple(range(len(names))),
        complete=True,
        image_ids=np.arange(1, len(part.images) + 1),
        file_names=part.file_names,
        widths=sizes[:, 0],
        heights=sizes[:, 1],
        images=labels.images[once],
        classes=labels.values[once, 0].astype(np.int32),
        boxes=to_pixels(labels.values[once, 1:], sizes[labels.images[once]]),
        areas=np.full(len(once), np.nan),
        crowd=np.zeros(len(once), bool),
        box_name=lambda row: record(once[row]),
        findings=(*found("repeated label", again, record),
                  *found("no label file", labels.without, part.file_names.__getitem__), *_find_odd_files(part, files)),
        images_root=part.root,
    )


def _checksum(labels: Labels, others: Sequence[str], root: str) -> str:
    digests = labels.digests | {file: sha256(read_small(file)) for file in others}
    return checksum_of({_relative(file, root): digest for file, digest in digests.items()})


def _find_yaml(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in ("data.yaml", "data.yml"):
        if (path / name).exists():
            return path / name
    raise InputError(f"{path}: no data.yaml there; name the YAML file of the data set")


def _read_settings(path: Path, split: str) -> tuple[tuple[str, ...], int, list[tuple[str, list[str]]]]:
    """Return the classes, the columns of a label (0: boxes or polygons), and where the images may be.

    That is (root, folders or lists of images) for each folder that the paths may start from.
    """
    read_small(path)  # raises InputError for a pipe, which would wait for ever
    raw = read_yaml(path)
    try:
        settings = msgspec.convert(raw, _Settings)
        key = next((key for key in spellings(split) if raw.get(key)), None)
        if key is None:
            keys = [key for key in ("train", *VALIDATION, "test") if raw.get(key)]
            raise InputError(f"{path}: has no images for '{split or 'train'}'; {nearest(split or 'train', keys)}")
        entries = msgspec.convert(raw[key], str | list[str])
    except msgspec.ValidationError as error:
        hint = "; put names such as yes, no, on and off in quotes" if "`bool`" in str(error) else ""
        raise InputError(f"{path}: not the YAML file of a YOLO data set ({error}){hint}") from None
    entries = [entries] if isinstance(entries, str) else entries
    folder = os.path.abspath(path.parent)
    stated = os.path.normpath(os.path.join(folder, settings.path or ""))
    roots = dict.fromkeys((stated, folder) if os.path.isdir(stated) else (folder,))
    columns = 5 + settings.kpt_shape[0] * settings.kpt_shape[1] if settings.kpt_shape else 0
    return _names(settings, path), columns, [(root, [resolve(root, entry) for entry in entries]) for root in roots]


def _names(settings: _Settings, path: Path) -> tuple[str, ...]:
    """Return the classes in the order of their numbers. Raises InputError if they do not count up from 0."""
    names = dict(enumerate(settings.names)) if isinstance(settings.names, list) else settings.names
    missing = next((number for number in range(len(names)) if number not in names), None)
    if missing is not None:
        raise InputError(f"{path}: names has no {missing}; number the {len(names)} classes from 0")
    if settings.nc not in (None, len(names)):
        raise InputError(f"{path}: nc is {settings.nc}, but names has {len(names)}; correct one of them")
    return tuple(str(names[number]) for number in range(len(names)))


def resolve(root: str, entry: str) -> str:
    """Return where an entry of data.yaml (a folder or list of images) lies, which starts from the folder `root`.

    One with ``../`` is also tried as ``./``, for Roboflow writes that for the folder itself.
    """
    place = os.path.normpath(os.path.join(root, entry))
    if entry.startswith("../") and not os.path.exists(place):
        return os.path.normpath(os.path.join(root, entry[3:]))
    return place


def _find_images(yaml: Path, roots: Sequence[tuple[str, list[str]]]) -> _Split:
    """Return the images of a split, from the first root where all its folders and lists exist."""
    root, places = next(((r, p) for r, p in roots if all(map(os.path.exists, p))), roots[0])
    for place in places:
        if not os.path.exists(place):
            raise InputError(f"{yaml}: names {place}, which does not exist; correct it, or 'path' there")
    images, repeats, lists = set(), [], [place for place in places if not os.path.isdir(place)]
    for place in places:
        for image in _read_list(place) if place in lists else _walk(place):
            if image in images:
                repeats.append(_relative(image, root))
            images.add(image)
    named = sorted((_relative(image, root), image) for image in images)
    return _Split(root, [image for _, image in named], tuple(name for name, _ in named), repeats, lists)


def _walk(folder: str) -> Iterator[str]:
    """Yield the images in a folder and all below it, also behind links, each folder once."""
    seen = set()
    for parent, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        status = os.stat(parent)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(parent, name) for name in visible_names(parent, names, IMAGE_SUFFIXES))


def _refuse(error: OSError) -> NoReturn:
    raise InputError(f"{error.filename}: {error.strerror}; check the folder")


def _read_list(path: str) -> Iterator[str]:
    """Yield the images that a text file lists, a path a line, relative to its own folder."""
    if not path.endswith(".txt"):
        raise InputError(f"{path}: neither a folder of images nor a .txt file that lists them; correct data.yaml")
    folder = os.path.dirname(path)
    for _, line in read_lines(path):
        yield os.path.normpath(os.path.join(folder, line))


def _label_file(image: str) -> str:
    """Return where the labels of an image are: under labels for the last folder images, otherwise beside it."""
    head, images, tail = image.rpartition(f"{os.sep}images{os.sep}")
    return os.path.splitext(f"{head}{os.sep}labels{os.sep}{tail}" if images else image)[0] + ".txt"


def _read_sizes(images: Sequence[str]) -> np.ndarray:
    """Return int32 [I, 3]: displayed width and height in pixels, and EXIF's orientation."""
    chunks = [images[start:start + _CHUNK] for start in range(0, len(images), _CHUNK)]
    with warnings.catch_warnings(), ThreadPoolExecutor(_THREADS) as pool:
        warnings.simplefilter("ignore")  # Pillow's, that a picture is large: it is not decoded here
        sizes = pool.map(lambda chunk: [read_size(image) for image in chunk], chunks)
        return np.array(list(chain.from_iterable(sizes)), np.int32).reshape(-1, 3)


def _find_odd_files(part: _Split, labels: Sequence[str]) -> list[Finding]:
    """Return the images listed twice, and the label files without an image in the folder where theirs would be."""
    unused = []
    for folder, images in {os.path.dirname(label): os.path.dirname(image)
                           for label, image in zip(labels, part.images)}.items():
        stems = {os.path.splitext(name)[0] for name in os.listdir(images) if is_visible(name, IMAGE_SUFFIXES)}
        for name in visible_names(folder, os.listdir(folder) if os.path.isdir(folder) else (), ".txt"):
            file = os.path.join(folder, name)
            if os.path.splitext(name)[0] not in stems and name != "classes.txt" and file not in part.lists:
                unused.append(_relative(file, part.root))
    unused.sort()
    return [*found("repeated image", range(len(part.repeats)), part.repeats.__getitem__),
            *found("unused label file", range(len(unused)), unused.__getitem__)]


def _relative(file: str, root: str) -> str:
    """Return `file` relative to `root`, with slashes. Raises InputError if it is on another drive."""
    if file.startswith(root + os.sep):
        return file[len(root) + 1:].replace(os.sep, "/")
    try:
        return os.path.relpath(file, root).replace(os.sep, "/")
    except ValueError:
        raise InputError(f"{file}: on another drive than {root}; move it there") from None

