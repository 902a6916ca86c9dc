"""What a folder of records holds. Written last: where it exists, the records are complete."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from datasets.errors import InputError
from datasets.files import read_json, write_json

FILE_NAME = "records.json"


@dataclass(frozen=True)
class Shard:
    """One TFRecord file."""

    name: str
    images: int
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """The shards of a folder in order, and what they were made from."""

    fingerprint: str
    stored_size: int  # shorter side at most, pixels
    source_bytes: int  # of the image files
    shards: tuple[Shard, ...]

    @property
    def stored_bytes(self) -> int:
        return sum(shard.bytes for shard in self.shards)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of `folder`."""
    write_json(folder / FILE_NAME, asdict(manifest))


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of `folder`, None where the records are not complete. Raises InputError for a damaged one."""
    path = folder / FILE_NAME
    if not path.exists():
        return None
    try:
        manifest = msgspec.convert(read_json(path), Manifest)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: not a manifest of records ({error}); delete {folder} and start again") from None
    return manifest if all(_is_whole(folder / shard.name, shard) for shard in manifest.shards) else None


def _is_whole(path: Path, shard: Shard) -> bool:
    return path.is_file() and path.stat().st_size == shard.bytes


def first_shards(folder: Path, images: int) -> list[Path]:
    """Return the files that hold exactly the first `images` images.

    Raises InputError if there is no complete set of records or no shard ends at that image.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise InputError(f"{folder}: no complete records; make them with python -m records")
    files, counted = [], 0
    for shard in manifest.shards:
        if counted == images:
            break
        files.append(folder / shard.name)
        counted += shard.images
    if counted != images:
        raise InputError(f"{folder}: no shard ends at image {images}; make the records again")
    return files
