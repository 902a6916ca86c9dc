"""A data set read as it lies in a folder, with what had to be assumed to read it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from datasets.annotations import Annotations, for_training
from datasets.class_map import map_classes, read_class_map
from datasets.errors import InputError
from datasets.findings import ReadReport
from datasets.orders.hold_out import hold_out
from datasets.read import read_table
from datasets.table import Table, assemble
from study.config import Split
from study.init.discover import Layout, Tree, discover, find_images, list_folder

HELD_OUT = 20  # per cent of the training images, where there is no validation set

Reasons = list[tuple[str, str]]  # keys of the study file, each with what was assumed for it


@dataclass(frozen=True, eq=False)
class Reading:
    """A data set as it was recognised and read."""

    layout: Layout  # with the folders of the images
    class_map: str
    classes: tuple[str, ...]  # to keep; empty keeps all
    splits: tuple[tuple[Annotations, ReadReport], ...]  # training, and validation where it has annotations of its own
    train: Annotations
    validation: Annotations
    reasons: Reasons


def read_folder(folder: Path) -> Reading:
    """Recognise and read the data set in `folder`. Raises InputError where that cannot be done."""
    tree = list_folder(folder)
    layout = discover(folder, tree)
    tables = [read_table(folder / split.annotations, layout.format, split.split)
              for split in (layout.train, layout.validation) if split]
    layout = _place_images(folder, tree, layout, tables)
    why = "no validation set there"
    if layout.validation and _is_part(layout, tables):
        layout, why = replace(layout, validation=None), "the validation images are training images"
    class_map = "bdd" if layout.format == "bdd" and _fits("bdd", tables[0]) else ""
    classes = _learnable(layout, class_map, tables[0])
    reasons = _reasons_of_files(layout, why) + _reasons_of_classes(class_map, classes, tables[0])
    return _assemble(layout, class_map, classes, tables, reasons)


def _place_images(folder: Path, tree: Tree, layout: Layout, tables: Sequence[Table]) -> Layout:
    """Return the layout with the folders that the file names of each split start from: looked for, if not known."""
    def place(split: Split, table: Table) -> Split:
        places = [_relative(table.images_root, folder)] if table.images_root else [place for place, _ in tree]
        return msgspec.structs.replace(split, images=find_images(folder, places, table.file_names, split))

    train = place(layout.train, tables[0])
    return replace(layout, train=train, validation=layout.validation and place(layout.validation, tables[1]))


def _relative(path: str, folder: Path) -> str:
    """Return `path` relative to `folder`, with slashes; in full if it is outside."""
    full, base = Path(os.path.abspath(path)), Path(os.path.abspath(folder))
    return full.relative_to(base).as_posix() if full.is_relative_to(base) else str(full)


def _is_part(layout: Layout, tables: Sequence[Table]) -> bool:
    """Tell whether all validation images are training images, as in data.yaml files that name one folder twice."""
    train, validation = tables
    return (layout.validation is not None and layout.train.images == layout.validation.images
            and set(validation.file_names) <= set(train.file_names))


def _fits(class_map: str, table: Table) -> bool:
    """Tell whether `table` has all the classes that a class map names."""
    try:
        map_classes(read_class_map(class_map), table.categories, table.category_ids, table.source)
    except InputError:
        return False
    return True


def _learnable(layout: Layout, class_map: str, table: Table) -> tuple[str, ...]:
    """Return the classes that have a box in training; none where all have one. Raises InputError if no class has."""
    whole = assemble(table, class_map)[0]
    train = whole if layout.validation else hold_out(whole, HELD_OUT)[0]
    present = np.bincount(for_training(train).classes, minlength=len(train.categories)) > 0
    if not present.any():
        raise InputError(f"{train.source}: no box to learn from in {train.num_images:,} training images; label some")
    return () if present.all() else tuple(train.categories[k] for k in np.flatnonzero(present))


def _assemble(layout: Layout, class_map: str, classes: tuple[str, ...], tables: Sequence[Table],
              reasons: Reasons) -> Reading:
    splits = [assemble(tables[0], class_map, classes)]
    if layout.validation:
        splits.append(assemble(tables[1], class_map, splits[0][0].categories))
        train, validation = splits[0][0], splits[1][0]
    else:
        train, validation = hold_out(splits[0][0], HELD_OUT)
    return Reading(layout, class_map, classes, tuple(splits), train, validation, reasons)


def _reasons_of_files(layout: Layout, why: str) -> Reasons:
    reasons = [(key, f"{_name(split.annotations)}{', split ' * bool(split.split)}{split.split}; file names start from "
                     f"{_name(split.images)}")
               for key, split in (("train", layout.train), ("validation", layout.validation)) if split]
    if not layout.validation:
        reasons.append(("hold_out", f"{why}; {HELD_OUT} % of the training images are held out as one, by hash of "
                                    "their file names"))
    return reasons


def _name(place: str) -> str:
    return "the folder itself" if place == "." else place


def _reasons_of_classes(class_map: str, classes: tuple[str, ...], table: Table) -> Reasons:
    reasons = []
    if class_map:
        reasons.append(("class_map", f"{class_map}, whose classes are {', '.join(read_class_map(class_map).classes)}"))
    elif len(table.categories) > len(read_class_map("voc").classes) and _fits("voc", table):
        reasons.append(("class_map", f"none, all {len(table.categories)} classes are kept; class_map: voc would keep "
                                     "the 20 of the 2019 study"))
    if classes:
        reasons.append(("classes", f"the {len(classes)} that have a box in training; the others are left out"))
    return reasons
