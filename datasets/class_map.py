"""Class maps: which classes of a file are kept, renamed, merged, ignored or dropped, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from datasets.errors import InputError, nearest
from datasets.settings import convert, read_yaml

CLASS_MAPS = Path(__file__).resolve().parent.parent / "configs" / "class_maps"


class ClassMap(msgspec.Struct, frozen=True, kw_only=True):
    """A class map as its YAML says it. A name of the file may be given as `one | other`: whichever the file has."""

    classes: dict[str, str | tuple[str, ...] | None] = {}  # class -> its name or names in the file; null: the same
    others: Literal["", "keep", "drop"] = ""  # what becomes of the rest; "" drops it where `classes` are given
    drop: tuple[str, ...] = ()
    ignore: dict[str, str] = {}  # name in the file, if it has it -> class whose crowd regions its boxes become


@dataclass(frozen=True, eq=False)
class Mapping:
    """What becomes of the K categories of a file: N classes."""

    names: tuple[str, ...]  # N
    ids: tuple[int, ...]  # N, each the id of the first category of its class
    target: np.ndarray  # int32 [K], the class of each category; -1 drops it
    ignored: np.ndarray  # bool [K], whether its boxes become crowd regions


def read_class_map(name: str | Path) -> ClassMap:
    """Read configs/class_maps/<name>.yaml, or the file of that name.

    Raises InputError for one that does not exist or is malformed.
    """
    path = Path(name)
    if not path.suffix:
        known = {p.stem: p for p in CLASS_MAPS.glob("*.yaml")}
        if str(name) not in known:
            raise InputError(f"no class map '{name}' in configs/class_maps; {nearest(str(name), known)}")
        path = known[str(name)]
    return convert(read_yaml(path), ClassMap, path)


def keep_all(categories: Sequence[str], ids: Sequence[int]) -> Mapping:
    """Return the mapping that keeps every category, sorted by id."""
    order = sorted(range(len(ids)), key=ids.__getitem__)
    return Mapping(tuple(categories[k] for k in order), tuple(ids[k] for k in order),
                   np.argsort(order).astype(np.int32), np.zeros(len(ids), bool))


def map_classes(class_map: ClassMap, categories: Sequence[str], ids: Sequence[int], source: str,
                complete: bool = True) -> Mapping:
    """Apply a class map to the categories of the file `source`.

    Raises InputError with the nearest name for a name that the file lacks, unless its categories are not `complete`,
    and for one that the map uses twice.
    """
    names = list(class_map.classes)
    place = _place(class_map, categories, source, complete)
    ignored = {k: new for old, new in class_map.ignore.items() for k, category in enumerate(categories)
               if category in _spellings(old) and k not in place}
    if class_map.others == "keep" or not (class_map.others or class_map.classes):
        rest = sorted(set(range(len(categories))) - place.keys() - ignored.keys(), key=ids.__getitem__)
        place |= {k: len(names) + index for index, k in enumerate(rest)}
        names += [categories[k] for k in rest]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{source}: the class map makes '{name}', which the file also has; merge the two")
    target = np.array([place.get(k, -1) for k in range(len(categories))], np.int32)
    new_ids = count(max(ids, default=0) + 1)
    first = tuple(ids[target.tolist().index(index)] if index in target else next(new_ids)
                  for index in range(len(names)))
    for k, new in ignored.items():
        if new not in names:
            raise InputError(f"{source}: the class map ignores '{categories[k]}' as '{new}'; {nearest(new, names)}")
        target[k] = names.index(new)
    return Mapping(tuple(names), first, target, np.array([k in ignored for k in range(len(categories))], bool))


def _place(class_map: ClassMap, categories: Sequence[str], source: str, complete: bool) -> dict[int, int]:
    """Return the class of every category that the map names; -1 where it drops it."""
    wanted = [(old, index) for index, (new, listed) in enumerate(class_map.classes.items())
              for old in _listed(new, listed)]
    place: dict[int, int] = {}
    for name, index in [*wanted, *((name, -1) for name in class_map.drop)]:
        if not complete and not set(_spellings(name)) & set(categories):
            continue
        k = _find(name, categories, source)
        if k in place:
            raise InputError(f"{source}: the class map uses '{categories[k]}' twice; keep one")
        place[k] = index
    return place


def choose(mapping: Mapping, names: Sequence[str], source: str, complete: bool) -> Mapping:
    """Keep the classes `names` of a mapping, in that order.

    Raises InputError for one that there is not, or one asked for twice. Where the file's categories are not
    `complete`, because the format gathers them from the boxes, a missing one has no box and gets a new id.
    """
    ids = dict(zip(mapping.names, mapping.ids))
    for name in names:
        if list(names).count(name) > 1:
            raise InputError(f"{source}: the classes asked for: '{name}' appears twice; keep one")
        if name not in ids and complete:
            raise InputError(f"{source}: no class '{name}'; {nearest(name, ids)}")
        ids.setdefault(name, max(ids.values(), default=0) + 1)
    chosen = np.array([names.index(n) if n in names else -1 for n in mapping.names] + [-1], np.int32)
    return Mapping(tuple(names), tuple(ids[n] for n in names), chosen[mapping.target], mapping.ignored)


def _listed(name: str, old: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (name,) if old is None else (old,) if isinstance(old, str) else old


def _spellings(name: str) -> list[str]:
    return [spelling.strip() for spelling in name.split(" | ")]


def _find(name: str, categories: Sequence[str], source: str) -> int:
    """Return where `name` stands under any of its spellings."""
    for spelling in _spellings(name):
        if spelling in categories:
            return list(categories).index(spelling)
    raise InputError(f"{source}: no class '{name}', which the class map names; {nearest(name, categories)}")
