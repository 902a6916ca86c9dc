"""The original's published checkpoints: got by name, checked, unpacked once.

Names, sizes and checksums: tf1_detection_zoo.md of the TensorFlow Object Detection API, and a project that pins the
archive of SSD-MobileNetV2. No identity is published for that of SSD-ResNet101-FPN: the first one got is recorded in
checkpoints/NAME.json, and another one is refused. No TensorFlow here.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from datasets.errors import InputError, nearest
from datasets.files import read_json, sha256_of, write_json
from detectors.checkpoints.archive import refusal, unpack
from detectors.checkpoints.download import download
from study.checkpoints import (
    ARCHIVES,
    DATA,
    STEM,
    archive_stem,
    checkpoint_prefix,
    is_name,
    is_there,
    zoo_archive,
    zoo_folder,
)
from study.config import REPOSITORY

URL = "https://download.tensorflow.org/models/object_detection"
LONGEST = 200  # bytes of an archive's stem: a file name has 255, and temporary ones are longer than it


@dataclass(frozen=True)
class Published:
    """What is known of a checkpoint's archive, and of the data file in it."""

    size: int | None = None  # bytes
    sha256: str | None = None
    data_sha256: str | None = None


ZOO = {
    "ssd_mobilenet_v2_oid_v4_2018_12_12": Published(
        158_851_107,
        "8dd82cc52625eb9b43c6ed8050868fe1e78f878c6f028519fc731b3c7e9035f7",
        "61bc5931d1cc44cd83b80ebee3cb75757e84c1a49ac5cea71149e36a93da4044",
    ),
    "ssd_resnet101_v1_fpn_shared_box_predictor_oid_512x512_sync_2019_01_20": Published(),
}


def provide(checkpoint: str, source: str = URL) -> None:
    """See to it that the checkpoint a configuration names is there: download it by name, unpack an archive, once.

    An archive put at checkpoints/NAME.tar.gz spares the download; `source` is the address to get NAME.tar.gz from.
    Raises InputError for what is no checkpoint, for a name that is not in the zoo, without network, and for an
    archive that is damaged or not the published one.
    """
    if not checkpoint:
        return
    path, prefix = REPOSITORY / checkpoint, checkpoint_prefix(checkpoint)
    if is_name(checkpoint):
        _check_name(checkpoint)
        with _alone(prefix.parent):
            _provide_named(checkpoint, source)
    elif not is_there(path) and os.path.isfile(path):
        _check_stem(path)
        with _alone(prefix.parent):
            _provide_archive(path, prefix.parent)
    elif not is_there(prefix):
        raise refusal(path)


def published_name(data: str | Path) -> str | None:
    """Return which of the zoo's checkpoints a data file belongs to, if it is one whose checksum is known."""
    digest = sha256_of(data)
    return next((name for name, known in ZOO.items() if known.data_sha256 == digest), None)


def _check_name(name: str) -> None:
    if name not in ZOO:
        raise InputError(f"checkpoint '{name}': no such file or folder in {REPOSITORY}, and not in the zoo; "
                         f"{nearest(name, ZOO)}")


def _provide_named(name: str, source: str) -> None:
    folder, archive, known = zoo_folder(name), zoo_archive(name), ZOO[name]
    record = _read_record(folder)
    ours = archive.with_name(f".{archive.name}")  # what we download, which is ours to remove, after a kill too
    if is_there(folder / STEM):
        ours.unlink(missing_ok=True)
        _check_folder(name, record)
        return
    origin = str(archive)
    if not archive.is_file():
        origin, by_hand, archive = f"{source.rstrip('/')}/{name}{ARCHIVES[0]}", archive, ours
        if not ours.is_file():
            download(origin, ours, known.size, by_hand)
    try:
        identity = _identity(archive)
        _check_identity(archive, identity, name, record)
        _unpack(archive, folder, identity | {"source": origin})
    except InputError:
        ours.unlink(missing_ok=True)
        raise
    ours.unlink(missing_ok=True)  # two thirds of it are frozen graphs


def _check_folder(name: str, record: dict) -> None:
    """Raise InputError where a folder of a published name holds another checkpoint. What was put there by hand is
    compared once, and recorded."""
    folder, known = zoo_folder(name), ZOO[name]
    data = folder / f"{STEM}{DATA}"
    if record and known.sha256 and record.get("sha256", known.sha256) != known.sha256:
        raise InputError(f"{folder}: was unpacked from another archive than the published one; remove it")
    if not record and known.data_sha256:
        if not data.is_file() or sha256_of(data) != known.data_sha256:
            raise InputError(f"{folder}: holds another checkpoint than the published one; remove it, or rename it and "
                             "give its path")
        write_json(_record(folder), {"data_sha256": known.data_sha256, "source": "put there by hand"})


def _provide_archive(archive: Path, folder: Path) -> None:
    identity = _identity(archive)
    if is_there(folder / STEM):
        if {key: _read_record(folder).get(key) for key in identity} != identity:
            raise InputError(f"{folder}: holds a checkpoint that is not from {archive}; remove that folder, or rename "
                             "the archive")
        return
    _unpack(archive, folder, identity | {"source": str(archive)})


def _unpack(archive: Path, folder: Path, record: dict) -> None:
    before = _read_record(folder)
    write_json(_record(folder), record)  # first, as it vouches for the folder
    try:
        unpack(archive, folder)
    except InputError:
        if before:
            write_json(_record(folder), before)
        else:
            _record(folder).unlink()
        raise


def _check_stem(archive: Path) -> None:
    """Raise InputError where an archive's name is not fit to be that of a folder."""
    stem = archive_stem(archive)
    if not stem or stem.startswith(".") or len(os.fsencode(stem)) > LONGEST:
        raise InputError(f"{archive}: a folder in checkpoints/ takes its name, which has to begin with another "
                         f"character than a dot and to be of {LONGEST} bytes at most; rename it")


def _check_identity(archive: Path, found: dict, name: str, record: dict) -> None:
    """Raise InputError where the archive is not the published one, or not the one that was got first."""
    known = ZOO[name]
    if known.size and found["bytes"] != known.size:
        raise InputError(f"{archive}: has {found['bytes']:,} bytes and not the published {known.size:,}; get it again")
    if known.sha256 and found["sha256"] != known.sha256:
        raise InputError(f"{archive}: its SHA-256 is {found['sha256']} and not the published {known.sha256}; "
                         "get it again")
    if not known.sha256 and record and record.get("sha256") != found["sha256"]:
        raise InputError(f"{archive}: is not the archive that was here first ({record.get('source')}); get that again, "
                         f"or remove {_record(zoo_folder(name))}")


def _identity(archive: Path) -> dict:
    return {"bytes": archive.stat().st_size, "sha256": sha256_of(archive)}


def _record(folder: Path) -> Path:
    """Return the file that says what `folder` was unpacked from."""
    return folder.with_name(f"{folder.name}.json")


def _read_record(folder: Path) -> dict:
    """Return what the record says, nothing where there is none."""
    record = read_json(_record(folder)) if _record(folder).exists() else {}
    if not isinstance(record, dict):
        raise InputError(f"{_record(folder)}: not a record of an archive; remove it")
    return record


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the other processes that want the same checkpoint until this one has it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f".{folder.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
