"""The ground truth that a file of detections is judged against."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from datasets.annotations import Annotations
from datasets.errors import InputError
from datasets.formats.coco import read_table
from datasets.table import assemble


def read_truth(path: str | Path, classes: Sequence[str] = ()) -> tuple[Annotations, frozenset[int]]:
    """Return a COCO file's annotations of `classes` (default: all), and the ids of its other categories.

    What pycocotools would take otherwise (records left out, or numbered anew) is noted on standard error.
    Raises InputError where the file is no COCO file, or lacks one of the classes.
    """
    if Path(path).is_dir():
        raise InputError(f"{path}: a folder; name the COCO annotation file whose ids the detections have (other "
                         "formats become one with create_subsets.py --fractions 100 --write-json)")
    table = read_table(path)
    truth, report = assemble(table, classes=classes)
    for finding in report.findings:
        if finding.action == "skipped" or finding.rule == "repeated box id":
            print(f"note: {path}: {finding}", file=sys.stderr)
    return truth, frozenset(table.category_ids) - set(truth.category_ids)
