"""A study file for a folder of annotated images: what is there is read, what is not is assumed, and both are said."""

from __future__ import annotations

import os
import re
import shlex
import textwrap
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np

from datasets.annotations import boxes_per_class, for_training
from datasets.checks import check_subsets, check_validation
from datasets.errors import InputError
from datasets.files import write_text
from datasets.findings import summarise
from datasets.images import missing_images
from datasets.listing import list_names, printable
from datasets.settings import convert
from datasets.yaml12 import dump
from study.config import RESERVED, Name, Split
from study.init.proposal import NOTABLE_SHARE, SMALL_SIDE, propose, share_of_small_boxes
from study.init.reading import HELD_OUT, Reading, Reasons, read_folder

FEW_BOXES = 30  # of a class in all training images; the AP of fewer means little
LISTED = 12  # classes that are listed with their boxes; of more, the ends
SHOWN = 5  # names of images or classes that something is wrong with
WIDTH = 110  # characters of a line


def init(folder: Path, out: Path | None = None, name: str | None = None) -> tuple[Path, str]:
    """Write a study file for the data set in `folder`; return its path and what there is to tell.

    Its place is `out`, otherwise the current folder under the study's name, which is `name` or the folder's.
    Raises InputError where no data set is recognised or it cannot be used, for a name that no study can have, and
    where the file is there already.
    """
    _refuse_unprintable(str(folder.resolve()))
    known_as = valid_name(folder.resolve().name)
    name = convert(name or known_as, cast("type", Name), "--name")
    out = out or Path(f"{name}.yaml")
    if os.path.lexists(out):
        raise InputError(f"{out}: there already, and never overwritten; give --out another file or remove it")
    reading = read_folder(folder)
    settings, reasons = propose(reading.train)
    reasons = reading.reasons + reasons
    settings = {"name": name, "datasets": [_dataset_settings(reading, folder, known_as)]} | settings
    text = "\n".join([*_describe(reading, folder), *_warn(reading, folder, settings["fractions"][0]), "",
                      "Images that repeat or are in both splits, and repeated boxes, are found before a run by:",
                      f"  {check_command(reading, folder)}", "",
                      f"Assumed; change it in {out}, under these keys:", *_list_reasons(reasons)])
    write_text(out, _study_text(settings, reasons, folder, out))
    return out, text


def valid_name(text: str) -> str:
    """Return `text` as the name of a study and of its data set."""
    name = re.sub("[^A-Za-z0-9_-]+", "-", text).strip("-_")[:100] or "study"
    return f"{name}-data" if name.casefold() in RESERVED else name


def check_command(reading: Reading, folder: Path) -> str:
    """Return the command that looks for repeated boxes and, among the images, for repeats and leaks."""
    train, validation = reading.layout.train, reading.layout.validation
    options = {"annotations": str(folder / train.annotations), "split": train.split, "class-map": reading.class_map}
    if validation:
        if validation.annotations != train.annotations:
            options["validation"] = str(folder / validation.annotations)
        options["validation-split"] = validation.split
    if not reading.train.images_root:  # otherwise the command knows where they are
        options["images"] = str(folder / train.images)
        if validation:
            options["validation-images"] = str(folder / validation.images)
    words = [word for key, value in options.items() if value for word in (f"--{key}", value)]
    return shlex.join(["python", "-m", "datasets", "check", *words])


def _dataset_settings(reading: Reading, folder: Path, name: str) -> dict[str, Any]:
    layout = reading.layout
    settings: dict[str, Any] = {"name": name, "root": str(folder.resolve()), "format": layout.format,
                                "train": _split_settings(layout.train)}
    settings |= {"validation": _split_settings(layout.validation)} if layout.validation else {"hold_out": HELD_OUT}
    optional = {"class_map": reading.class_map, "classes": list(reading.classes)}
    return settings | {key: value for key, value in optional.items() if value}


def _split_settings(split: Split) -> dict[str, str]:
    for path in (split.annotations, split.images):
        _refuse_unprintable(path)
    return {key: value for key, value in msgspec.to_builtins(split).items() if value}


def _refuse_unprintable(path: str) -> None:
    if not path.isprintable():
        raise InputError(f"{path!a}: has characters that no text file can hold; rename it")


def _study_text(settings: dict[str, Any], reasons: Reasons, folder: Path, out: Path) -> str:
    """Return the study file: as comments how it is run and what was assumed, then the settings."""
    head = [f"A first study of {folder.resolve()}, by run_study.py --init. Run it with:",
            f"  python run_study.py {shlex.quote(str(out))}", "Assumed:", *_list_reasons(reasons)]
    comment = "\n".join("# " + "".join(c if c.isprintable() else "?" for c in line) for line in head)
    return f"{comment}\n{dump(settings, inline=True)}"


def _list_reasons(reasons: Reasons) -> list[str]:
    return [line for key, reason in reasons
            for line in textwrap.wrap(f"{key}: {reason}", WIDTH, initial_indent="  ", subsequent_indent="    ")]


def _describe(reading: Reading, folder: Path) -> list[str]:
    """Return what was found, as lines."""
    unused = f"; left alone: {list_names(reading.layout.unused)}" if reading.layout.unused else ""
    lines = [f"{folder}: {reading.layout.format.upper()}, {reading.layout}{unused}"]
    for split, (part, report) in zip(("training", "validation"), reading.splits):
        first, *further = summarise(part, report).splitlines()
        lines += [f"{split}: {first}", *(f"  {line}" for line in further)]
    if not reading.layout.validation:
        lines.append(f"held out of these for validation: {reading.validation.num_images:,} images, "
                     f"{reading.validation.num_boxes:,} boxes; {reading.train.num_images:,} images are left")
    boxes = [boxes_per_class(for_training(reading.train)), boxes_per_class(reading.validation)]
    order = np.argsort(-boxes[0], kind="stable")
    counts = [f"{printable(reading.train.categories[k])} {boxes[0][k]:,} + {boxes[1][k]:,}" for k in order]
    if len(counts) > LISTED:
        counts = [*counts[:LISTED // 2], "…", *counts[-LISTED // 2:]]
    return [*lines, f"boxes per class, training + validation: {', '.join(counts)}"]


def _warn(reading: Reading, folder: Path, smallest: float) -> list[str]:
    """Return what may spoil the study, as lines; `smallest` is its smallest fraction."""
    counts = boxes_per_class(for_training(reading.train))
    few = [f"{name} {boxes}" for name, boxes in zip(reading.train.categories, counts) if boxes < FEW_BOXES]
    lines = []
    if few:
        lines.append(f"classes of fewer than {FEW_BOXES} boxes, whose AP will mean little: {list_names(few, SHOWN)}")
    for finding in [*check_subsets(reading.train, [smallest]), *check_validation(reading.train, reading.validation)]:
        lines.append(f"{finding}: {list_names(finding.records, SHOWN)}")
    return lines + _warn_of_images(reading, folder)


def _warn_of_images(reading: Reading, folder: Path) -> list[str]:
    lines = []
    splits = {"training": (reading.train, reading.layout.train),
              "validation": (reading.validation, reading.layout.validation or reading.layout.train)}
    for name, (part, split) in splits.items():
        if missing := missing_images(part, folder / split.images):
            lines.append(f"{len(missing):,} {name} images are listed but absent, and the study would stop there; "
                         f"restore them or remove them from the file: "
                         f"{list_names([part.file_names[row] for row in missing], SHOWN)}")
    shared = set(reading.train.file_names) & set(reading.validation.file_names)
    if shared and splits["training"][1].images == splits["validation"][1].images:
        lines.append(f"{len(shared):,} validation images are training images too, and flatter the result: "
                     f"{list_names(sorted(shared), SHOWN)}; create_subsets.py --drop-leaks leaves them out")
    share = share_of_small_boxes(reading.train)
    if share >= NOTABLE_SHARE:
        lines.append(f"{100 * share:.0f} % of the boxes have a side below {SMALL_SIDE} px at the detector's 300 px, "
                     "half a cell of its finest map; input_size: 512 and stored_size: 512 under detectors enlarge "
                     "them, with three times the pixels to work on")
    return lines
