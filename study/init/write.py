"""A study file for a folder of annotated images: what is there is read, what is not is assumed, and both are said."""

from __future__ import annotations

import os
import re
import shlex
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np

from datasets.annotations import Annotations, for_training
from datasets.checks import check_subsets, check_validation
from datasets.errors import InputError
from datasets.files import write_text
from datasets.findings import summarise
from datasets.images import missing_images
from datasets.settings import convert
from datasets.yaml12 import dump
from study.config import RESERVED, Name, Split
from study.init.found import HELD_OUT, Found, Reasons, read_folder
from study.init.proposal import NOTABLE_SHARE, SMALL_SIDE, propose, share_of_small_boxes

FEW_BOXES = 30  # of a class in all training images; the AP of fewer means little
LISTED = 12  # classes that are listed with their boxes; of more, the ends
WIDTH = 110  # characters of a line


def init(folder: Path, out: Path | None = None, name: str | None = None) -> tuple[Path, str]:
    """Write a study file for the data set in `folder`; return its path and what there is to tell.

    Its place is `out`, otherwise the current folder under the study's name, which is `name` or the folder's.
    Raises InputError where no data set is recognised or it cannot be used, for a name that no study can have, and
    where the file is there already.
    """
    if not str(folder.resolve()).isprintable():
        raise InputError(f"{str(folder)!a}: has characters that no text file can hold; rename the folder")
    known_as = valid_name(folder.resolve().name)
    name = convert(name or known_as, cast("type", Name), "--name")
    out = out or Path(f"{name}.yaml")
    if os.path.lexists(out):
        raise InputError(f"{out}: there already, and never overwritten; give --out another file or remove it")
    found = read_folder(folder)
    settings, reasons = propose(found.train)
    reasons = found.reasons + reasons
    settings = {"name": name, "datasets": [_dataset_settings(found, folder, known_as)]} | settings
    write_text(out, _study_text(settings, reasons, folder, out))
    return out, "\n".join([*_describe(found, folder), *_warn(found, folder, settings["fractions"][0]), "",
                           f"Assumed; change it in {out}, under these keys:", *_list_reasons(reasons)])


def valid_name(text: str) -> str:
    """Return `text` as the name of a study and of its data set."""
    name = re.sub("[^A-Za-z0-9_-]+", "-", text).strip("-_")[:100] or "study"
    return f"{name}-data" if name.casefold() in RESERVED else name


def _dataset_settings(found: Found, folder: Path, name: str) -> dict[str, Any]:
    layout = found.layout
    settings: dict[str, Any] = {"name": name, "root": str(folder.resolve()), "format": layout.format,
                                "train": _split_settings(layout.train)}
    settings |= {"validation": _split_settings(layout.validation)} if layout.validation else {"hold_out": HELD_OUT}
    optional = {"class_map": found.class_map, "classes": list(found.classes)}
    return settings | {key: value for key, value in optional.items() if value}


def _split_settings(split: Split) -> dict[str, str]:
    return {key: value for key, value in msgspec.to_builtins(split).items() if value}


def _study_text(settings: dict[str, Any], reasons: Reasons, folder: Path, out: Path) -> str:
    """Return the study file: as comments how it is run and what was assumed, then the settings."""
    head = [f"A first study of {folder.resolve()}, by run_study.py --init. Run it with:",
            f"  python run_study.py {shlex.quote(str(out))}", "Assumed:", *_list_reasons(reasons)]
    comment = "\n".join("# " + "".join(c if c.isprintable() else "?" for c in line) for line in head)
    return f"{comment}\n{dump(settings, inline=True)}"


def _list_reasons(reasons: Reasons) -> list[str]:
    return [line for key, reason in reasons
            for line in textwrap.wrap(f"{key}: {reason}", WIDTH, initial_indent="  ", subsequent_indent="    ")]


def _describe(found: Found, folder: Path) -> list[str]:
    """Return what was found, as lines."""
    unused = f"; left alone: {_shorten(found.layout.unused)}" if found.layout.unused else ""
    lines = [f"{folder}: {found.layout.format.upper()}, {found.layout}{unused}"]
    for split, (part, report) in zip(("training", "validation"), found.read):
        first, *further = summarise(part, report).splitlines()
        lines += [f"{split}: {first}", *(f"  {line}" for line in further)]
    if not found.layout.validation:
        lines.append(f"held out of these for validation: {found.validation.num_images:,} images, "
                     f"{found.validation.num_boxes:,} boxes; {found.train.num_images:,} images are left")
    boxes = [_boxes_of(for_training(found.train)), _boxes_of(found.validation)]
    order = np.argsort(-boxes[0], kind="stable")
    counts = [f"{found.train.categories[k]} {boxes[0][k]:,} + {boxes[1][k]:,}" for k in order]
    if len(counts) > LISTED:
        counts = [*counts[:LISTED // 2], "…", *counts[-LISTED // 2:]]
    return [*lines, f"boxes per class, training + validation: {', '.join(counts)}"]


def _warn(found: Found, folder: Path, smallest: float) -> list[str]:
    """Return what may spoil the study, as lines; `smallest` is its smallest fraction."""
    few = [f"{name} {boxes}" for name, boxes in zip(found.train.categories, _boxes_of(for_training(found.train)))
           if boxes < FEW_BOXES]
    lines = [f"classes of fewer than {FEW_BOXES} boxes, whose AP will mean little: {_shorten(few)}"] if few else []
    for finding in [*check_subsets(found.train, [smallest]), *check_validation(found.train, found.validation)]:
        lines.append(f"{finding}: {_shorten(finding.records)}")
    return lines + _warn_of_images(found, folder)


def _warn_of_images(found: Found, folder: Path) -> list[str]:
    lines = []
    splits = {"training": (found.train, found.layout.train),
              "validation": (found.validation, found.layout.validation or found.layout.train)}
    for name, (part, split) in splits.items():
        if missing := missing_images(part, folder / split.images):
            lines.append(f"{len(missing):,} {name} images are listed but absent, and the study would stop there; "
                         f"restore them or remove them from the file: "
                         f"{_shorten([part.file_names[row] for row in missing])}")
    shared = set(found.train.file_names) & set(found.validation.file_names)
    if shared and splits["training"][1].images == splits["validation"][1].images:
        lines.append(f"{len(shared):,} validation images are training images too, and flatter the result: "
                     f"{_shorten(sorted(shared))}; create_subsets.py --drop-leaks leaves them out")
    share = share_of_small_boxes(found.train)
    if share >= NOTABLE_SHARE:
        lines.append(f"{100 * share:.0f} % of the boxes have a side below {SMALL_SIDE} px at the detector's 300 px, "
                     "half a cell of its finest map; input_size: 512 and stored_size: 512 under detectors enlarge "
                     "them, with three times the pixels to work on")
    return lines


def _boxes_of(annotations: Annotations) -> np.ndarray:
    """Return int64 [K]: the boxes of each class, crowds left out."""
    return np.bincount(annotations.classes[~annotations.crowd], minlength=len(annotations.categories))


def _shorten(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
