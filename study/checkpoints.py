"""Where a detector's checkpoint lies, and what identifies it.

A checkpoint is given as the name of one in the original's zoo, as an archive (.tar.gz), as a folder that holds a
model.ckpt, or as a prefix. `detectors.checkpoints.zoo` gets the named ones and unpacks archives.
"""

from __future__ import annotations

import hashlib
import json
import os
from glob import escape
from pathlib import Path

from datasets.errors import InputError
from datasets.files import sha256_of
from study.config import REPOSITORY
from study.layout import CHECKPOINTS

ARCHIVES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar")
STEM = "model.ckpt"  # of the files in the zoo's archives
INDEX, DATA = ".index", ".data-00000-of-00001"  # of a checkpoint in one piece


def checkpoint_prefix(checkpoint: str) -> Path:
    """Return the path up to .index of the checkpoint that a configuration names, whether it is there or not."""
    path = REPOSITORY / checkpoint
    if is_name(checkpoint):
        return zoo_folder(checkpoint) / STEM
    found = next((prefix for prefix in (path / STEM, path) if is_there(prefix)), None)
    if found is None and (os.path.isfile(path) or checkpoint.endswith(ARCHIVES)):
        return zoo_folder(archive_stem(path)) / STEM
    return found or (path / STEM if os.path.isdir(path) else path)


def is_name(checkpoint: str) -> bool:
    """Tell whether `checkpoint` is the name of one in the zoo: neither a path nor anything in the repository."""
    path = REPOSITORY / checkpoint
    return "/" not in checkpoint and not checkpoint.endswith(ARCHIVES) and not (os.path.exists(path) or is_there(path))


def is_there(prefix: Path) -> bool:
    """Tell whether a checkpoint lies at `prefix`: an index and data."""
    # Not Path.is_file, which raises OSError where a name is too long to be there.
    return os.path.isfile(f"{prefix}{INDEX}") and any(prefix.parent.glob(f"{escape(prefix.name)}.data-*"))


def is_at_hand(name: str) -> bool:
    """Tell whether the zoo's checkpoint `name` can be had without network: unpacked, or as an archive."""
    return is_there(zoo_folder(name) / STEM) or os.path.isfile(zoo_archive(name))


def zoo_folder(name: str) -> Path:
    """Return the folder that an archive called `name` is unpacked to."""
    return REPOSITORY / CHECKPOINTS / name


def zoo_archive(name: str) -> Path:
    """Return where the zoo's archive `name` is looked for, and written to when it is downloaded."""
    return REPOSITORY / CHECKPOINTS / f"{name}{ARCHIVES[0]}"


def archive_stem(path: Path) -> str:
    """Return an archive's file name without .tar.gz and the like."""
    return next((path.name.removesuffix(end) for end in ARCHIVES if path.name.endswith(end)), path.name)


def checkpoint_files(checkpoint: str) -> list[Path]:
    """Return a checkpoint's index and data files. Raises InputError if there are none."""
    prefix = checkpoint_prefix(checkpoint)
    name = escape(prefix.name)
    files = sorted(prefix.parent.glob(f"{name}{INDEX}")) + sorted(prefix.parent.glob(f"{name}.data-*"))
    if len(files) < 2:
        raise InputError(f"{prefix}: no checkpoint there (.index and .data files); check 'checkpoint' of the detector")
    return files


def checkpoint_hash(checkpoint: str) -> str:
    """Return a hash of a checkpoint's files, empty for training from scratch."""
    if not checkpoint:
        return ""
    hashes = [sha256_of(file) for file in checkpoint_files(checkpoint)]
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()
