"""Archives of checkpoints, unpacked so that nothing but a checkpoint comes out and nothing leaves the folder.

No TensorFlow here: the files are moved, not read.
"""

from __future__ import annotations

import lzma
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from datasets.errors import InputError
from study.checkpoints import INDEX, STEM, is_there

CHUNK = 1 << 20
WANTED = re.compile(rf"{re.escape(STEM)}\.(index|meta|data-\d{{5}}-of-\d{{5}})|pipeline\.config")
LARGEST = 8 * 10**9  # bytes in an archive; the zoo's largest detector unpacks to less than two
FROZEN = "is a frozen graph, which has no variables to train; give the model.ckpt files"
SAVED_MODEL = "is a SavedModel for inference, which has no variables to train; give the model.ckpt files"
MODELS = {"frozen_inference_graph.pb": FROZEN, "saved_model.pb": SAVED_MODEL, "saved_model": SAVED_MODEL}

UNREADABLE = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError)


def unpack(archive: Path, folder: Path) -> None:
    """Put the archive's model.ckpt files and pipeline.config into the new `folder`, all of them or none.

    They may lie in any folder of the archive; links, devices and other files stay in it. Raises InputError where the
    archive is cut off or none, holds no checkpoint or several, names a path outside of it, or is larger than 8 GB.
    Only one process at a time may unpack to `folder`.
    """
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of one that was killed
    part.mkdir(parents=True)
    try:
        seen = _extract(archive, part)
        if not is_there(part / STEM):
            raise InputError(f"{archive}: {_what_else(seen) or 'no model.ckpt in it; give an archive of the zoo'}")
        try:
            os.rename(part, folder)
        except OSError:
            raise InputError(f"{folder}: there already, without a checkpoint; remove it, then {archive.name} is "
                             "unpacked there") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def find_prefix(path: str | Path) -> Path:
    """Return the checkpoint's prefix: `path`/model.ckpt or `path` itself. Raises InputError if there is neither."""
    for prefix in (Path(path) / STEM, Path(path)):
        if is_there(prefix):
            return prefix
    raise refusal(Path(path))


def refusal(path: Path) -> InputError:
    """Return the error that says what `path` is, given that no checkpoint lies there."""
    for prefix in (path / STEM, path):
        if os.path.isfile(f"{prefix}{INDEX}"):
            return InputError(f"{prefix}{INDEX}: no {prefix.name}.data files beside it; put them there")
    if os.path.isdir(path):
        found = sorted(path.glob("*.index"))
        return InputError(f"{path}: " + (_what_else({file.name for file in path.iterdir()}) or (
            f"no {STEM} in it; give the prefix {found[0].with_suffix('')}" if found else
            f"no checkpoint there; give the folder of a {STEM}")))
    if path.suffix == ".pb":
        return InputError(f"{path}: {MODELS.get(path.name, FROZEN)}")
    if path.suffix == ".index" or ".data-" in path.suffix:
        return InputError(f"{path}: one file of a checkpoint; give its prefix, {path.with_suffix('')}")
    return InputError(f"{path}: no checkpoint there; give the path up to '.index', or the folder of a {STEM}")


def _extract(archive: Path, folder: Path) -> set[str]:
    """Write the checkpoint's files into `folder` and return the names of all members."""
    seen: set[str] = set()
    try:
        with tarfile.open(archive) as members:
            for member in _within(members, archive):
                path = PurePosixPath(member.name)
                seen.add(path.name)
                if not member.isreg() or not WANTED.fullmatch(path.name):
                    continue
                if path.is_absolute() or ".." in path.parts:
                    raise InputError(f"{archive}: '{member.name}' lies outside of the archive; do not use it")
                if (folder / path.name).exists():
                    raise InputError(f"{archive}: holds several checkpoints; unpack it and give the folder of one")
                members.extract(member.replace(name=path.name, deep=False), folder, filter="data")
            while members.fileobj and members.fileobj.read(CHUNK):
                pass  # to the checksum at the end
    except UNREADABLE as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, tarfile.TarError):
            raise  # of the disk, which the command's door explains
        raise InputError(f"{archive}: {_broken(archive, error)}") from None
    return seen


def _within(members: tarfile.TarFile, archive: Path) -> Iterator[tarfile.TarInfo]:
    """Yield the members until they are too large together: a few kilobytes can unpack to any size."""
    total = 0
    for member in members:
        total += member.size
        if total > LARGEST:
            raise InputError(f"{archive}: unpacks to more than {LARGEST // 10**9} GB; this is no checkpoint of the zoo")
        yield member


def _broken(archive: Path, error: Exception) -> str:
    if archive.suffix == ".pb":
        return MODELS.get(archive.name, FROZEN)
    if archive.suffix == ".index" or ".data-" in archive.suffix:
        return f"one file of a checkpoint; give its prefix, {archive.with_suffix('')}"
    if isinstance(error, tarfile.ReadError) and str(error) != "unexpected end of data":
        return "not an archive, or a broken one; give a .tar.gz of the zoo, or a checkpoint's prefix"
    return "is cut off or damaged; get it again"


def _what_else(names: set[str]) -> str:
    return next((text for name, text in MODELS.items() if name in names), "")
