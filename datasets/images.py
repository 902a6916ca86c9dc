"""The image files that annotations list."""

from __future__ import annotations

import os
from pathlib import Path

from datasets.annotations import Annotations
from datasets.errors import InputError


def missing_images(annotations: Annotations, folder: str | Path) -> list[int]:
    """Return the positions of the images that `annotations` lists and `folder` does not hold."""
    return [row for row, name in enumerate(annotations.file_names) if not os.path.isfile(os.path.join(folder, name))]


def check_folder(folder: str | Path) -> None:
    """Raise InputError if there is no such folder."""
    if not Path(folder).is_dir():
        raise InputError(f"{folder}: no such folder of images; check the path")


def check_images(annotations: Annotations, folder: str | Path) -> None:
    """Raise InputError if an image that `annotations` lists is not in `folder`."""
    check_folder(folder)
    missing = missing_images(annotations, folder)
    if missing:
        first = Path(folder, annotations.file_names[missing[0]])
        raise InputError(f"{first}: listed in {annotations.source} but absent; restore it or remove it from the file "
                         f"({len(missing)} such)")
