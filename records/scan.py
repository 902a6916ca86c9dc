"""Every image of records decoded once more, to find those that stopped a training."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError

from datasets.progress import Progress
from records.manifest import Corrupt, DamagedRecords, complete_manifest, first_shards, reason_of, write_manifest

CHUNK = 256  # examples in memory at a time
THREADS = 4


def rescan(folder: Path, images: int) -> list[Corrupt]:
    """Decode the first `images` images of `folder`, list those that fail in its manifest, and return the new ones.

    Raises InputError as `first_shards`, DamagedRecords where a file itself is: then what follows in it is lost too.
    """
    known = {image.position for image in complete_manifest(folder).corrupt}
    progress = Progress(f"{folder}: looking for images that cannot be decoded", images, "image")
    new, position = [], 0
    with ThreadPoolExecutor(THREADS) as pool:
        for path in first_shards(folder, images):
            for chunk in _chunks(path):
                for example, reason in zip(chunk, pool.map(_reason, chunk)):
                    if reason and position not in known:
                        image_id = _feature(example, "image/source_id").decode()
                        new.append(Corrupt(position, int(image_id), f"image {image_id}", reason))
                    position += 1
                progress.update(len(chunk))
    if new:
        _add(folder, new)
    return new


def _add(folder: Path, new: list[Corrupt]) -> None:
    """List `new` in the manifest as it is by now: another process may have found the same."""
    manifest = complete_manifest(folder)
    merged = {image.position: image for image in [*new, *manifest.corrupt]}
    write_manifest(folder, replace(manifest, corrupt=tuple(merged[position] for position in sorted(merged))))


def _chunks(path: Path) -> Iterator[list[tf.train.Example]]:
    """Yield the examples of a file. Raises DamagedRecords where its checksums or its examples are broken."""
    try:
        for records in tf.data.TFRecordDataset(str(path)).batch(CHUNK).as_numpy_iterator():
            yield [tf.train.Example.FromString(record) for record in records]
    except (tf.errors.DataLossError, DecodeError) as error:
        raise DamagedRecords(f"{path}: damaged ({reason_of(error)}); delete {path.parent} and make the records "
                             "again") from None


def _feature(example: tf.train.Example, key: str) -> bytes:
    return (*example.features.feature[key].bytes_list.value, b"")[0]


def _reason(example: tf.train.Example) -> str:
    """Return why the image of `example` cannot be decoded, by the operations training uses; empty if it can."""
    encoded = _feature(example, "image/encoded")
    try:
        height, width, _ = tf.io.extract_jpeg_shape(encoded).numpy()
        tf.image.decode_and_crop_jpeg(encoded, [0, 0, height, width], channels=3)
    except tf.errors.InvalidArgumentError as error:
        return reason_of(error)
    return ""
