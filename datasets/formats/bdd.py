"""BDD100K's labels in the layouts of 2018 and 2020, and any other Scalabel file, read into a table."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import chain, count
from pathlib import Path

import numpy as np

from datasets.errors import InputError
from datasets.findings import found
from datasets.formats.folder import checksum_of, spellings, visible_names
from datasets.formats.scalabel import Config, Frame, Packed, Size, coco_boxes, leaf_categories, read_file
from datasets.table import Table

_CLASSES_2018 = ("person", "rider", "car", "bus", "truck", "train", "motor", "bike", "traffic light", "traffic sign",
                 "drivable area", "lane")
_CLASSES_2020 = ("pedestrian", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle", "traffic light",
                 "traffic sign", "other person", "other vehicle", "trailer")
_SIZE = Size(1280, 720)  # of all of BDD100K's images


def read_table(path: str | Path, split: str = "") -> Table:
    """Read a file of frames, or the files of a split (train if empty) in a folder, as they are.

    Raises InputError naming the file and the record for anything of another type or shape.
    """
    frames, config, checksum = _read_frames(Path(path), split)
    packed: list[Packed] = [frame.packed for frame in frames]
    file_names, sizes = _file_names(frames), [frame.size or config.imageSize for frame in frames]
    names, name_of_label = _names(packed)
    seen, configured = {name for name in names if name}, tuple(dict.fromkeys(leaf_categories(config)))
    bdd = _is_bdd(seen, configured)
    known = _layout(seen.union(configured)) if bdd else configured
    categories = (*known, *sorted(seen.difference(known)))
    sizeless = [] if bdd else [frame for frame, size in enumerate(sizes) if not size]
    boxed = np.frombuffer(b"".join(p.boxed for p in packed), bool)
    labels, label_name = np.flatnonzero(boxed), _label_names(file_names, packed)
    return Table(
        format="bdd",
        source=str(path),
        checksum=checksum,
        categories=categories,
        category_ids=tuple(range(1, len(categories) + 1)),
        complete=bool(known),
        image_ids=_ranks(file_names),
        file_names=file_names,
        widths=np.array([(size or _SIZE).width for size in sizes], np.int32),
        heights=np.array([(size or _SIZE).height for size in sizes], np.int32),
        images=np.repeat(np.arange(len(frames)), [len(p.crowd) for p in packed]),
        classes=np.array([categories.index(n) if n else -1 for n in names], np.int32)[name_of_label[labels]],
        boxes=coco_boxes(packed),
        areas=np.full(len(labels), np.nan),
        crowd=np.frombuffer(b"".join(p.crowd for p in packed), bool),
        box_name=lambda row: label_name(labels[row]),
        findings=(*found("no box", np.flatnonzero(~boxed), label_name),
                  *found("assumed size", sizeless, file_names.__getitem__)),
    )


def _read_frames(path: Path, split: str) -> tuple[list[Frame], Config, str]:
    """Return the frames of all files, what the first that has it says about them, and the checksum of the files."""
    paths = _label_files(path, split)
    files, checksums = zip(*map(read_file, paths))
    config = next((file.config for file in files if file.config), Config())
    checksum = checksum_of({p.name: c for p, c in zip(paths, checksums)}) if path.is_dir() else checksums[0]
    return [frame for file in files for frame in file.frames], config, checksum


def _label_files(path: Path, split: str) -> list[Path]:
    """Return `path`, or the JSON files of a split in the folder `path`.

    They are the one whose name ends in the split (bdd100k_labels_images_val, det_val), otherwise those of the folder
    so called, otherwise all where that is what `path` is for. Raises InputError where that is none or not clear.
    """
    if not path.is_dir():
        return [path]
    files, names = _json_files(path), spellings(split)
    named = [file for file in files if re.search(rf"(^|[_-])({'|'.join(map(re.escape, names))})$", file.stem)]
    if len(named) > 1:
        raise InputError(f"{path}: both {named[0].name} and {named[1].name} are of split '{names[0]}'; name the file")
    inside = [file for name in names for file in _json_files(path / name)]
    chosen = named or inside or (files if not split or path.name in names else [])
    if not chosen:
        raise InputError(f"{path}: no JSON file of split '{names[0]}' there; name the file")
    return chosen


def _json_files(folder: Path) -> list[Path]:
    return [folder / name for name in visible_names(folder, (file.name for file in folder.glob("*.json")), ".json")]


def _file_names(frames: Sequence[Frame]) -> tuple[str, ...]:
    """Return the frames' file names, within their videos' folders where the names alone do not tell them apart."""
    names = tuple(frame.name for frame in frames)
    if len(set(names)) == len(names):
        return names
    return tuple(f"{frame.videoName}/{frame.name}" if frame.videoName else frame.name for frame in frames)


def _ranks(names: Sequence[str]) -> np.ndarray:
    """Return int64 [I]: the place of each name, from 1 up, among the sorted names."""
    ranks = np.empty(len(names), np.int64)
    ranks[sorted(range(len(names)), key=names.__getitem__)] = np.arange(1, len(names) + 1)
    return ranks


def _names(packed: Sequence[Packed]) -> tuple[list[str], np.ndarray]:
    """Return the names that labels have, and int64 [L]: which of them each label has."""
    places: defaultdict[str, int] = defaultdict(count().__next__)  # a new name gets the next number
    places_of_labels = np.fromiter(map(places.__getitem__, chain.from_iterable(p.names for p in packed)), np.int64)
    return list(places), places_of_labels


def _label_names(file_names: Sequence[str], packed: Sequence[Packed]) -> Callable[[int], str]:
    """Return a function from the number of a label in all frames to what a person can look up."""
    starts = np.cumsum([0, *(len(p.boxed) for p in packed)])

    def name(label: int) -> str:
        frame = int(np.searchsorted(starts, label, side="right")) - 1
        return f"{file_names[frame]} labels[{label - starts[frame]}]"

    return name


def _is_bdd(seen: set[str], configured: Sequence[str]) -> bool:
    """Return whether a file is of BDD100K's domain: it lists no other categories, or its labels have some of those."""
    names = {*_CLASSES_2018, *_CLASSES_2020}
    return names.issuperset(configured) if configured else not seen or not names.isdisjoint(seen)


def _layout(names: set[str]) -> tuple[str, ...]:
    """Return the categories of the layout that has more of `names`; of 2020 where they do not tell."""
    return max(_CLASSES_2020, _CLASSES_2018, key=lambda layout: len(names.intersection(layout)))
