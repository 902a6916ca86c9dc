"""Which annotated data set lies in a folder: its format, its splits, and where their images are."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from datasets.errors import InputError
from datasets.formats.folder import VALIDATION, is_visible, visible_names
from datasets.formats.yolo import resolve
from datasets.read import recognise
from datasets.settings import read_yaml
from study.config import Split

DEPTH = 4  # folders below the one given, as BDD's images/100k/train have it below the folder of the download
FOLDERS = 5000  # more are no data set but a home folder or a disk
FILE_PER_IMAGE = 20  # a folder of more JSON files than this is one set of annotations
SAMPLE = 20  # images that are looked for
TAIL = 4096  # bytes in which a JSON file has to end
LOOKED_FOR = ("COCO JSON files (annotations/instances_train*.json, train/_annotations.coco.json), "
              "YOLO (data.yaml), VOC XML files (Annotations/*.xml), BDD or Scalabel JSON files (labels/*train*.json)")
BY_HAND = "write the study file by hand, as configs/studies/bccd.yaml with configs/datasets/bccd.yaml"

_ROLES = {"train": "train", "training": "train", "test": "test", "testing": "test"} | dict.fromkeys(VALIDATION, "val")
_MARKS = {"coco": (b'"annotations"', b'"categories"'), "bdd": (b'"box2d"',)}  # what their files cannot do without

Tree = list[tuple[str, list[str]]]  # folders relative to the one given ("." itself), each with its files


@dataclass(frozen=True)
class Layout:
    """A data set that was recognised. The images of its splits are not known before their names are."""

    format: str
    train: Split
    validation: Split | None = None  # None: it has none
    unused: tuple[str, ...] = ()  # a test split, and JSON files that are something else or another split

    def __str__(self) -> str:
        splits = (self.train, self.validation) if self.validation else (self.train,)
        return " with ".join(dict.fromkeys(split.annotations for split in splits))


def list_folder(folder: Path) -> Tree:
    """Return the folders below `folder` that are not hidden, itself first, with their files.

    Raises InputError for what is no folder, or one with too much in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: " + ("a file; give the folder that the data set lies in" if folder.exists()
                                          else "no such folder; check the path"))
    tree: Tree = []
    for parent, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        relative = os.path.relpath(parent, folder)
        folders[:] = sorted(name for name in folders if _depth(relative) < DEPTH and not name.startswith(".")
                            and os.access(os.path.join(parent, name), os.R_OK | os.X_OK))
        tree.append((relative.replace(os.sep, "/"), names))
        if len(tree) > FOLDERS:
            raise InputError(f"{folder}: more than {FOLDERS:,} folders; give the one that the data set lies in")
    return tree


def discover(folder: Path, tree: Tree) -> Layout:
    """Return the data set in `folder`, whose files `tree` lists.

    Raises InputError where there is none, or several that cannot be told apart, and for a JSON file that is cut off:
    passed over, it would leave the study a split less.
    """
    formats = {path: _recognise(folder / first) for path, first in _json_paths(folder, tree)}
    layouts = [*_json_layouts(formats), *_yolo_layouts(folder, tree), *_voc_layouts(folder, tree)]
    if not layouts:
        raise InputError(f"{folder}: no annotations recognised; looked for {LOOKED_FOR}")
    if len(layouts) > 1:
        listed = ", ".join(f"{layout} ({layout.format})" for layout in layouts[:6])
        raise InputError(f"{folder}: {len(layouts)} data sets it could be: {listed}{', …' * (len(layouts) > 6)}; give "
                         f"the folder of one, move the others away, or {BY_HAND}")
    layout = layouts[0]
    used = (layout.train.annotations, layout.validation and layout.validation.annotations)
    others = [_join(path, "*.json") if (folder / path).is_dir() else path for path in formats if path not in used]
    return replace(layout, unused=tuple(dict.fromkeys([*layout.unused, *others])))


def find_images(folder: Path, places: Sequence[str], names: Sequence[str], split: Split) -> str:
    """Return which of `places`, folders relative to `folder`, the file names of a split's images start from.

    It is the one where most of a sample of `names` exist; of several, those named after the split and higher up go
    first. Raises InputError where no image is listed, none of the sample is found, or two folders are alike.
    """
    if not names:
        raise InputError(f"{folder / split.annotations}: lists no images")
    sample = [names[k * (len(names) - 1) // max(SAMPLE - 1, 1)] for k in range(SAMPLE)]
    role = split.split and _ROLES.get(split.split, "") or role_of(split.annotations)
    ranked = []
    for place in places:
        present = sum(os.path.isfile(os.path.join(folder, place, name)) for name in sample)
        ranked.append((-present, role_of(place) != role, _depth(place), place))
    ranked.sort()
    if not ranked[0][0]:
        raise InputError(f"{folder}: none of the images that {split.annotations} lists is there ({sample[0]:.100} was "
                         f"looked for in {len(ranked)} folder{'s' * (len(ranked) > 1)}); put them there, or {BY_HAND}")
    if len(ranked) > 1 and ranked[0][:3] == ranked[1][:3]:
        raise InputError(f"{folder}: the images that {split.annotations} lists are in {ranked[0][3]} and in "
                         f"{ranked[1][3]}; move one away, or {BY_HAND}")
    return ranked[0][3]


def role_of(path: str) -> str:
    """Return "train", "val" or "test" if a relative path says so, by its last part that does; otherwise ""."""
    for part in reversed(path.split("/")):
        roles = {_ROLES[word] for word in re.split("[^a-z]+", part.lower()) if word in _ROLES}
        if roles:
            return roles.pop() if len(roles) == 1 else ""
    return ""


def _refuse(error: OSError) -> None:
    raise InputError(f"{error.filename}: {error.strerror}; check the path")


def _pair(format: str, paths: Iterable[str]) -> list[Layout]:
    """Return a layout for every choice of training and validation annotations among `paths`.

    Those of a split that is not named are for training where none says so, and so are those of the only split.
    """
    by_role: dict[str, list[str]] = {}
    for path in paths:
        by_role.setdefault(role_of(path), []).append(path)
    role = next((role for role in ("train", "", "val", "test") if role in by_role), "")
    validations = by_role.get("val", []) if role in ("train", "") else []
    unused = tuple(path for other, listed in by_role.items() if other not in (role, "val") for path in listed)
    return [Layout(format, Split(annotations=train, images=""),
                   Split(annotations=validation, images="") if validation else None, unused)
            for train in by_role.get(role, []) for validation in validations or [None]]


def _json_layouts(formats: dict[str, str]) -> list[Layout]:
    coco, bdd = ([path for path in formats if formats[path] == format] for format in ("coco", "bdd"))
    instances = [path for path in coco if os.path.basename(path).startswith("instances")]
    return [*_pair("coco", instances or coco), *_pair("bdd", bdd)]


def _json_paths(folder: Path, tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield JSON files, and folders that have one per image; each with the file that tells what it is."""
    for place, names in tree:
        files = [_join(place, name) for name in visible_names(folder / place, names, ".json")]
        if len(files) > FILE_PER_IMAGE:
            yield place, files[0]
        else:
            yield from zip(files, files)


def _recognise(path: Path) -> str:
    """Return "coco" or "bdd" for a file of annotations, "" for any other; a file of a gigabyte takes a second.

    Raises InputError for one without an end.
    """
    if not path.is_file():
        return ""
    format = recognise(path)
    with open(path, "rb") as stream:
        stream.seek(-min(TAIL, path.stat().st_size), os.SEEK_END)
        if not stream.read().rstrip().endswith((b"}", b"]")):
            raise InputError(f"{path}: cut off, does not end as JSON does; download it again or move it away")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return format if all(content.find(mark) >= 0 for mark in _MARKS[format]) else ""


def _yolo_layouts(folder: Path, tree: Tree) -> list[Layout]:
    layouts = []
    for place, names in tree:
        files = visible_names(folder / place, names, (".yaml", ".yml"))
        settings = {name: raw for name in files if (raw := _read_data_yaml(folder / place / name))}
        for name in settings.keys() & {"data.yaml", "data.yml"} or settings:
            layouts.append(_yolo_layout(folder, _join(place, name), settings[name]))
    return layouts


def _yolo_layout(folder: Path, path: str, raw: dict) -> Layout:
    base = os.path.dirname(folder / path)
    validation = next((raw[key] for key in VALIDATION if raw.get(key)), [])
    entries = validation if isinstance(validation, list) else [validation]
    exist = bool(entries) and any(all(os.path.exists(resolve(root, str(entry))) for entry in entries)
                                  for root in (os.path.join(base, str(raw.get("path") or "")), base))
    return Layout("yolo", Split(annotations=path, images="", split="train"),
                  Split(annotations=path, images="", split="val") if exist else None,
                  ("test",) if raw.get("test") else ())


def _read_data_yaml(path: Path) -> dict:
    """Return the content of a YOLO data set's YAML file, nothing for another one."""
    if not path.is_file():
        return {}
    try:
        raw = read_yaml(path)
    except InputError:
        if path.stem == "data":
            raise
        return {}
    return raw if "names" in raw and "train" in raw else {}


def _voc_layouts(folder: Path, tree: Tree) -> list[Layout]:
    """Return a layout for the folders with lists of splits, and for those that are a split of their own."""
    firsts = {place: min((name for name in names if is_visible(name, ".xml")), default="") for place, names in tree}
    roots = {_voc_root(place) for place, name in firsts.items() if name and _is_voc(folder / place / name)}
    lists = {root: {Path(name).stem for place, names in tree if place == _join(root, "ImageSets/Main")
                    for name in names if is_visible(name, ".txt")} for root in sorted(roots)}
    listed = [_listed_layout(root, splits) for root, splits in lists.items() if splits & {"train", "trainval"}]
    return listed + _pair("voc", [root for root, splits in lists.items() if not splits & {"train", "trainval"}])


def _is_voc(path: Path) -> bool:
    if not path.is_file():
        return False
    with open(path, "rb") as stream:
        return b"<annotation>" in stream.read(4096)


def _voc_root(place: str) -> str:
    parent, name = os.path.split(place)
    return (parent or ".") if name in ("Annotations", "annotations") else place


def _listed_layout(root: str, splits: set[str]) -> Layout:
    train = "train" if "train" in splits else "trainval"
    validation = train == "train" and not splits.isdisjoint(VALIDATION)
    return Layout("voc", Split(annotations=root, images="", split=train),
                  Split(annotations=root, images="", split="val") if validation else None,
                  ("test",) if "test" in splits else ())


def _depth(place: str) -> int:
    return 0 if place == "." else place.count("/") + 1


def _join(place: str, name: str) -> str:
    return name if place == "." else f"{place}/{name}"
