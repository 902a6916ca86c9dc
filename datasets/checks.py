"""What can be wrong with a data set although its annotation file reads well."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datasets.annotations import Annotations
from datasets.coco import ReadReport
from datasets.errors import InputError


def missing_images(annotations: Annotations, folder: str | Path) -> list[str]:
    """Return the file names that `annotations` lists and `folder` does not hold."""
    return [name for name in annotations.file_names if not Path(folder, name).is_file()]


def check_images(annotations: Annotations, folder: str | Path) -> None:
    """Raise InputError if an image that `annotations` lists is not in `folder`."""
    if not Path(folder).is_dir():
        raise InputError(f"{folder}: no such folder of images; check the path")
    missing = missing_images(annotations, folder)
    if missing:
        raise InputError(f"{Path(folder, missing[0])}: listed in {annotations.source} but absent; "
                         f"restore it or remove it from the file ({len(missing)} such)")


def summarise(annotations: Annotations, report: ReadReport) -> str:
    """Return what was read, as lines for a terminal; anomalies only where there are any."""
    boxes_of_class = np.bincount(annotations.classes, minlength=len(annotations.categories))
    absent = [name for name, boxes in zip(annotations.categories, boxes_of_class) if boxes == 0]
    anomalies = {
        "images without a box": int((np.diff(annotations.starts) == 0).sum()),
        "crowd boxes, left out of training": int(annotations.crowd.sum()),
        "boxes of other classes, left out": report.other_classes,
        "boxes without width or height, left out of training": report.empty,
        "boxes over the image's edge, cut for training": report.over_edge,
    }
    lines = [f"{annotations.num_images} images, {annotations.num_boxes} boxes, {len(annotations.categories)} classes"]
    lines += [f"{number} {what}" for what, number in anomalies.items() if number]
    lines += [f"no box of: {', '.join(absent)}"] if absent else []
    return "\n".join(lines)
