"""The original's published checkpoints: got by name, checked, unpacked once.

Names, sizes and checksums: tf1_detection_zoo.md of the TensorFlow Object Detection API, and a project that pins the
archive of SSD-MobileNetV2. No identity is published for that of SSD-ResNet101-FPN: the first one got is recorded in
checkpoints/NAME.json, and another one is refused. No TensorFlow here.
"""

from __future__ import annotations

import fcntl
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
    elif not is_there(path) and path.is_file():
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
    if is_there(folder / STEM):
        if known.sha256 and record and record.get("sha256") != known.sha256:
            raise InputError(f"{folder}: was unpacked from another archive than the published one; remove it")
        return
    url = f"{source.rstrip('/')}/{name}{ARCHIVES[0]}"
    if downloaded := not archive.is_file():
        download(url, archive, known.size)
    try:
        identity = _identity(archive)
        _check_identity(archive, identity, known, record)
        unpack(archive, folder)
    except InputError:
        if downloaded:
            archive.unlink()
        raise
    write_json(_record(folder), identity | {"source": url if downloaded else str(archive)})
    if downloaded:
        archive.unlink()  # two thirds of it are frozen graphs


def _provide_archive(archive: Path, folder: Path) -> None:
    identity = _identity(archive)
    if is_there(folder / STEM):
        if {key: _read_record(folder).get(key) for key in identity} != identity:
            raise InputError(f"{folder}: holds a checkpoint that is not from {archive}; remove that folder, or rename "
                             "the archive")
        return
    write_json(_record(folder), identity | {"source": str(archive)})  # first, as it vouches for the folder
    try:
        unpack(archive, folder)
    except InputError:
        _record(folder).unlink()
        raise


def _check_identity(archive: Path, found: dict, known: Published, record: dict) -> None:
    """Raise InputError where the archive is not the published one, or not the one that was got first."""
    if known.size and found["bytes"] != known.size:
        raise InputError(f"{archive}: has {found['bytes']:,} bytes and not the published {known.size:,}; get it again")
    if known.sha256 and found["sha256"] != known.sha256:
        raise InputError(f"{archive}: its SHA-256 is {found['sha256']} and not the published {known.sha256}; "
                         "get it again")
    if not known.sha256 and record and record.get("sha256") != found["sha256"]:
        raise InputError(f"{archive}: is not the archive that was here first ({record.get('source')}); get that again, "
                         f"or remove {_record(zoo_folder(archive_stem(archive)))}")


def _identity(archive: Path) -> dict:
    return {"bytes": archive.stat().st_size, "sha256": sha256_of(archive)}


def _record(folder: Path) -> Path:
    """Return the file that says what `folder` was unpacked from."""
    return folder.with_name(f"{folder.name}.json")


def _read_record(folder: Path) -> dict:
    return read_json(_record(folder)) if _record(folder).exists() else {}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the other processes that want the same checkpoint until this one has it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f".{folder.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
