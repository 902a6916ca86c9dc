"""What is known of a study's data: how often each class occurs, and what is odd."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from datasets.files import read_json_if_whole
from report.tables import Table
from study.layout import StudyFolder

VALIDATION = "validation"
NAMED = 8  # classes


@dataclass(frozen=True)
class Prevalence:
    """Boxes of every class in every subset, and in validation."""

    dataset: str
    columns: list[str]  # subsets, rising, then validation
    classes: list[str]  # the most frequent first
    boxes: dict[tuple[str, str], int]  # (class, column)

    def missing(self, column: str) -> list[str]:
        """Return the classes that a column has no box of, though another has."""
        return [name for name in self.classes if not self.boxes.get((name, column), 0)]


@dataclass(frozen=True)
class Checks:
    """What was looked for in a data set, in a sentence, and what was found."""

    verdict: str
    table: Table | None


def prevalences(folder: StudyFolder, datasets: Iterable[str]) -> list[Prevalence]:
    """Return the counts of every data set that has been counted."""
    paths = {name: folder.prevalence(name) for name in datasets}
    return [_read(name, path) for name, path in paths.items() if path.exists()]


def prevalence_table(counted: Prevalence) -> Table:
    """Return a row per class, the most frequent first, with its boxes in every subset."""
    rows = [[name, *(f"{counted.boxes.get((name, column), 0):,}" for column in counted.columns)]
            for name in counted.classes]
    return Table(f"{counted.dataset}: boxes per class in every subset", ["class", *counted.columns], rows)


def checks(folder: StudyFolder, counted: Prevalence) -> Checks:
    """Return what is wrong with a data set: images in both splits, odd records, classes that subsets lack."""
    known = read_json_if_whole(folder.checks(counted.dataset)) or {}
    rows = [[each["what"], each["split"], f"{each['records']:,}", ", ".join(each["examples"])]
            for each in known.get("findings", [])]
    rows += [[f"classes without a box in {column if column == VALIDATION else f'the subset of {column}'}",
              VALIDATION if column == VALIDATION else "train", f"{len(absent):,}", _listed(absent)]
             for column in counted.columns if (absent := counted.missing(column))]
    table = Table(f"{counted.dataset}: what is odd, or missing", ["finding", "split", "records", "such as"], rows)
    return Checks(f"{counted.dataset}: {_leaks(known)} {_classes(counted)}", table if rows else None)


def _leaks(known: dict) -> str:
    if "compared" not in known:
        return "Not compared for images in both splits."
    train, validation = known["compared"]
    found = f"{known['shared']:,} are in both" if known["shared"] else "none is in both"
    return f"Of {train:,} training images, compared with {validation:,} validation images by content, {found}."


def _classes(counted: Prevalence) -> str:
    lacking = [column for column in counted.columns if counted.missing(column)]
    if not lacking:
        return "Every class has boxes in every subset and in validation."
    return f"Classes are missing in: {', '.join(lacking)}."


def _listed(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def _read(dataset: str, path: Path) -> Prevalence:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    boxes = {(row["class"], _subset_name(row)): int(float(row["boxes"])) for row in rows}
    columns = list(dict.fromkeys(_subset_name(row) for row in rows))
    classes = sorted({row["class"] for row in rows}, key=lambda c: (-max(boxes.get((c, s), 0) for s in columns), c))
    return Prevalence(dataset, columns, classes, boxes)


def _subset_name(row: dict[str, str]) -> str:
    if row.get("split") == VALIDATION:
        return VALIDATION
    return f"{float(row['fraction']):g} %" if row.get("fraction") else f"{int(row['subset']):,}"
