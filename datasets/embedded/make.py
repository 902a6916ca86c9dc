"""The data sets made on the spot: scanned digits for the study, printed letters as the task before it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from inspect import signature
from pathlib import Path

import numpy as np
from PIL import Image

from datasets.annotations import Annotations
from datasets.embedded.glyphs import Alphabet, Part, digits, letters
from datasets.embedded.scenes import paint_scene
from datasets.errors import InputError
from datasets.files import read_json, write_json
from datasets.formats.coco import write_coco
from datasets.progress import Progress

MANIFEST = "manifest.json"
VERSION = 1  # raise it when the same call would paint other pictures
QUALITY = 92  # of the JPEG files


def make_digits(folder: str | Path, train: int = 2500, validation: int = 600) -> bool:
    """Make the digits data set in `folder`; return False if it was there already.

    Scanned handwritten digits of varying size, slant, contrast and overlap on textured backgrounds, ten classes,
    the most frequent about eight times as frequent as the rarest. No scan is in both parts.
    Every image depends on its number alone: a smaller data set is the beginning of a larger one.
    """
    return _make(folder, "digits", digits, {"train": train, "val": validation})


def make_letters(folder: str | Path, train: int = 3000, validation: int = 200) -> bool:
    """Make the letters data set in `folder`; return False if it was there already.

    Printed capitals, painted as the digits are; no font is in both parts. A detector trained on it starts the
    embedded study, as one trained on Open Images starts the real one.
    """
    return _make(folder, "letters", letters, {"train": train, "val": validation})


MAKERS: dict[str, Callable[..., bool]] = {"digits": make_digits, "letters": make_letters}


def image_counts(kind: str, *sizes: int) -> tuple[int, int]:
    """Return how many training and validation images `MAKERS[kind]` makes when it is given `sizes`."""
    made = signature(MAKERS[kind]).bind("", *sizes)
    made.apply_defaults()
    return made.arguments["train"], made.arguments["validation"]


def _make(folder: str | Path, kind: str, alphabet: Callable[[Part], Alphabet], sizes: dict[Part, int]) -> bool:
    """Make every part beside `folder` and move it there at the end, so that it is whole or absent."""
    folder = Path(folder)
    manifest = {"kind": kind, "version": VERSION, "images": sizes}
    if _is_made(folder, manifest):
        return False
    temporary = folder.with_name(f".{folder.name}.part-{os.getpid()}")
    try:
        for part, size in sizes.items():
            _paint_part(temporary, kind, part, size, alphabet(part))
        write_json(temporary / MANIFEST, manifest)
        temporary.replace(folder)
    except OSError:
        if _is_made(folder, manifest):  # another process was faster
            return False
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True


def _is_made(folder: Path, manifest: dict) -> bool:
    """Tell whether `folder` holds what `manifest` says. Raises InputError if it holds anything else."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    found = read_json(folder / MANIFEST) if (folder / MANIFEST).exists() else None
    if found != manifest:
        what = f"holds {found}" if found else "is not empty"
        raise InputError(f"{folder}: cannot make {manifest['kind']} here, it {what}; remove it or name another folder")
    return True


def _paint_part(root: Path, kind: str, part: Part, size: int, alphabet: Alphabet) -> None:
    """Paint the images of one part, then write its annotations."""
    (root / part).mkdir(parents=True)
    shapes, boxes, classes = [], [], []
    progress = Progress(f"painting {kind}, {part}", size, "image")
    for number in range(1, size + 1):
        scene = paint_scene(np.random.default_rng([*kind.encode(), *part.encode(), number]), alphabet)
        Image.fromarray(scene.image).save(root / part / _file_name(number), quality=QUALITY)
        shapes.append(scene.image.shape)
        boxes.append(scene.boxes)
        classes.append(scene.classes)
        progress.update()
    write_coco(root / "annotations" / f"instances_{part}.json", _annotate(alphabet.names, shapes, boxes, classes))


def _annotate(names: tuple[str, ...], shapes: list[tuple[int, ...]], boxes: list[np.ndarray],
              classes: list[np.ndarray]) -> Annotations:
    """Return the annotations of images given by their array shapes, with their boxes and classes."""
    flat = np.concatenate(boxes).astype(float)
    return Annotations(
        categories=names,
        category_ids=tuple(range(1, len(names) + 1)),
        image_ids=np.arange(1, len(shapes) + 1),
        file_names=tuple(_file_name(n) for n in range(1, len(shapes) + 1)),
        widths=np.array([width for _, width, _ in shapes], np.int32),
        heights=np.array([height for height, _, _ in shapes], np.int32),
        starts=np.concatenate([[0], np.cumsum([len(b) for b in boxes])]),
        boxes=flat,
        classes=np.concatenate(classes).astype(np.int32),
        crowd=np.zeros(len(flat), bool),
        areas=flat[:, 2:].prod(axis=1),
    )


def _file_name(number: int) -> str:
    return f"{number:06d}.jpg"
