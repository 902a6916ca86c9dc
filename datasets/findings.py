"""What is odd in an annotation file: every rule in one table, and the records a file has for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from datasets.annotations import Annotations
from datasets.listing import list_names, printable


@dataclass(frozen=True)
class Rule:
    """What is done about one oddity: the record is used as it is, repaired for training, or left out."""

    action: Literal["kept", "repaired", "skipped"]
    what: str


RULES = {
    "image without boxes": Rule("kept", "images without a box: they stay"),
    "crowd": Rule("kept", "crowd regions, difficult and ignored objects: kept for evaluation, left out of training"),
    "assumed size": Rule("kept", "images whose file gives no size: taken as 1280 x 720, as BDD100K's are"),
    "no box": Rule("kept", "labels that are not boxes (polygons, lanes): not read"),
    "rounding": Rule("kept", "boxes over the image's edge by up to a pixel: cut there for training"),
    "empty box": Rule("repaired", "boxes without width or height inside the image: left out of training"),
    "over edge": Rule("repaired", "boxes further over the image's edge: cut there for training"),
    "repeated box id": Rule("repaired", "annotation ids given twice: numbered anew"),
    "other file name": Rule("repaired", "XML files that name no image there: taken to be of the one with their name"),
    "no image size": Rule("repaired", "XML files without an image size: read from the image"),
    "repeated image": Rule("skipped", "images listed twice with the same id and file: listed once"),
    "absent image": Rule("skipped", "boxes of an image that is not listed: left out"),
    "absent category": Rule("skipped", "boxes of a category that is not listed: left out"),
    "negative size": Rule("skipped", "boxes of negative width or height: left out"),
    "repeated label": Rule("skipped", "label lines that repeat another of their image exactly: left out"),
    "no label file": Rule("kept", "images without a label file: taken as without boxes"),
    "unused label file": Rule("skipped", "label files without an image: left out"),
    # What `python -m datasets check` looks for beyond reading:
    "repeated box": Rule("kept", "boxes that repeat another of their image and class exactly"),
    "missing file": Rule("kept", "images that are listed but not in the folder: training stops there"),
    "unreadable file": Rule("kept", "image files that cannot be decoded: training stops there"),
    "repeated file": Rule("kept", "image files identical to an earlier one of their split"),
    "leak": Rule("kept", "training images identical to a validation image"),
    "near leak": Rule("kept", "training images that look like a validation image"),
    "class without boxes": Rule("kept", "classes without a box"),
    "class not in validation": Rule("kept", "classes of training without a box in validation: their AP is undefined"),
    "class not in subset": Rule("kept", "pairs of a class and a small subset that has no box of it (random order)"),
}


@dataclass(frozen=True)
class Finding:
    """The records that one rule concerns. `name_of` turns a row into what a person can look up in the file."""

    rule: str  # a key of RULES
    rows: np.ndarray  # int64 [N], rows of the file's table
    name_of: Callable[[int], str] = str

    @property
    def action(self) -> str:
        return RULES[self.rule].action

    @property
    def records(self) -> list[str]:
        """Return the records' names, made only when asked: there may be a million."""
        return [self.name_of(row) for row in self.rows.tolist()]

    def __str__(self) -> str:
        return f"{len(self.rows):,} {RULES[self.rule].what}"


@dataclass(frozen=True)
class ReadReport:
    """What reading a file found beside its annotations."""

    format: str
    listed: int  # boxes in the file
    dropped: dict[str, int] = field(default_factory=dict)  # class that is not among those asked for -> its boxes
    findings: tuple[Finding, ...] = ()


def found(rule: str, rows: Sequence[int] | np.ndarray, name_of: Callable[[int], str] = str) -> list[Finding]:
    """Return the finding in a list, or an empty list where no row is concerned."""
    rows = np.asarray(rows, np.int64)
    return [Finding(rule, rows, name_of)] if len(rows) else []


def summarise(annotations: Annotations, report: ReadReport) -> str:
    """Return what was read, as lines for a terminal; oddities only where there are any."""
    lines = [f"{annotations.num_images:,} images, {annotations.num_boxes:,} boxes, "
             f"{len(annotations.categories)} classes ({report.format})", *map(str, report.findings)]
    if report.dropped:
        names = [f"{printable(name)} {boxes:,}" for name, boxes in report.dropped.items()]
        lines.append(f"{sum(report.dropped.values()):,} boxes of other classes, left out: {list_names(names)}")
    return "\n".join(lines)


def findings_csv(findings: Sequence[tuple[str, Finding]], action: str = "") -> str:
    """Return one line for every record that a rule concerns: split, finding, `action` or the rule's own, record."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("split", "finding", "action", "record"))
    for split, finding in findings:
        writer.writerows((split, finding.rule, action or finding.action, record) for record in finding.records)
    return out.getvalue()
