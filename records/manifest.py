"""What a folder of records holds. Written last: where it exists, the records are complete."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from datasets.errors import InputError
from datasets.files import read_json, write_json

FILE_NAME = "records.json"


class DamagedRecords(InputError):
    """Records that are not as they were written."""


@dataclass(frozen=True)
class Shard:
    """One TFRecord file."""

    name: str
    images: int
    bytes: int


@dataclass(frozen=True)
class Corrupt:
    """A training image that cannot be decoded. It keeps its place in the records and is left out of training."""

    position: int  # in the order of the records
    image_id: int
    name: str  # of the file; the image's id where only the record is known
    reason: str


@dataclass(frozen=True)
class Manifest:
    """The shards of a folder in order, what they were made from, and the images among them that nothing can read."""

    fingerprint: str
    stored_size: int  # shorter side at most, pixels
    source_bytes: int  # of the image files
    shards: tuple[Shard, ...]
    corrupt: tuple[Corrupt, ...] = ()  # by position

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


def complete_manifest(folder: Path) -> Manifest:
    """Return the manifest of `folder`. Raises DamagedRecords if there is no complete set of records."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise DamagedRecords(f"{folder}: no complete records; make them with python -m records")
    return manifest


def corrupt_of(folder: Path, images: int) -> list[Corrupt]:
    """Return those of the first `images` images that cannot be decoded. Raises InputError as `first_shards`."""
    return [image for image in complete_manifest(folder).corrupt if image.position < images]


def check_share(corrupt: Sequence[Corrupt], images: int, max_corrupt: float, where: Path | str) -> None:
    """Raise InputError if more than `max_corrupt` per cent of the first `images` images are among `corrupt`.

    `where` begins the message: what these images are.
    """
    among = [image for image in corrupt if image.position < images]
    if len(among) > images * max_corrupt / 100:
        raise InputError(f"{where}: {describe(among)} of the first {images} training images cannot be decoded, "
                         f"{100 * len(among) / images:.3g} per cent; replace them, drop them from the annotations, or "
                         f"raise the data set's max_corrupt ({max_corrupt:g})")


def describe(corrupt: Sequence[Corrupt], names: int = 3) -> str:
    """Return how many images these are, and the first of them: ``5 (a.jpg: truncated; b.jpg: empty; …)``."""
    listed = [f"{image.name}: {image.reason}" for image in corrupt[:names]]
    return f"{len(corrupt)} ({'; '.join(listed + ['…'] * (len(corrupt) > names))})"


def reason_of(error: Exception) -> str:
    """Return what an image library says in one line, without TensorFlow's names of nodes and Pillow's of objects."""
    lines = re.sub(r"\{\{.*?\}\} ?| ?\[Op:\w+\]| ?<_io\.\w+ object at \w+>", "", str(error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def first_shards(folder: Path, images: int) -> list[Path]:
    """Return the files that hold exactly the first `images` images.

    Raises InputError if there is no complete set of records or no shard ends at that image.
    """
    manifest = complete_manifest(folder)
    files, counted = [], 0
    for shard in manifest.shards:
        if counted == images:
            break
        files.append(folder / shard.name)
        counted += shard.images
    if counted != images:
        raise InputError(f"{folder}: no shard ends at image {images}; make the records again")
    return files
