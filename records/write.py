"""Annotations and images into TFRecord shards, cut so that every subset is a list of whole files."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from datasets.annotations import Annotations
from datasets.errors import InputError
from datasets.orientation import as_annotated
from datasets.progress import Progress
from records.manifest import Manifest, Shard, read_manifest, write_manifest

SHARD_IMAGES = 2000  # at most, so that readers work in parallel
JPEG_QUALITY = 92
THREADS = 4
STALE_SECONDS = 3600  # no shard takes longer


def write_records(annotations: Annotations, images: Path, folder: Path, *, stored_size: int,
                  boundaries: Sequence[int] = (), label: str = "records") -> Manifest:
    """Write `annotations` as TFRecords under `folder`, in their order, and return the manifest.

    `images` is the folder the file names start from. No image is kept with a shorter side above `stored_size`
    pixels, none is enlarged. A shard ends at each of `boundaries` (numbers of images), so that a subset is a list
    of whole files. Where complete records of the same content are there, nothing is done.
    Raises InputError naming the first image that is missing, unreadable or not of the size its annotations say.
    """
    source_sizes = [_size_of(images / name, annotations.source) for name in annotations.file_names]
    fingerprint = _fingerprint(annotations, source_sizes, stored_size, boundaries)
    if present := _present(folder, fingerprint):
        return present
    _remove_stale(folder)
    part = folder.with_name(f".{folder.name}.part-{uuid.uuid4().hex[:8]}")
    part.mkdir(parents=True)
    try:
        shards = _write_shards(annotations, images, part, stored_size, boundaries, label)
        manifest = Manifest(fingerprint, stored_size, sum(source_sizes), tuple(shards))
        write_manifest(part, manifest)
        if present := _present(folder, fingerprint):  # another process was faster, and may be reading already
            return present
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def _present(folder: Path, fingerprint: str) -> Manifest | None:
    manifest = read_manifest(folder)
    return manifest if manifest and manifest.fingerprint == fingerprint else None


def _remove_stale(folder: Path) -> None:
    """Remove what processes that were killed have left beside `folder`."""
    for part in folder.parent.glob(f".{folder.name}.part-*"):
        if time.time() - part.stat().st_mtime > STALE_SECONDS:
            shutil.rmtree(part, ignore_errors=True)


def shard_lengths(images: int, boundaries: Sequence[int]) -> list[int]:
    """Return the number of images in each shard: one ends at every boundary, none is longer than SHARD_IMAGES."""
    lengths = []
    edges = sorted({0, images, *boundaries})
    for low, high in zip(edges, edges[1:]):
        pieces = -(-(high - low) // SHARD_IMAGES)
        cuts = np.linspace(low, high, pieces + 1).round().astype(int)
        lengths += np.diff(cuts).tolist()
    return lengths


def encode_image(path: Path, stored_size: int, width: int, height: int) -> bytes:
    """Return an RGB JPEG of the image at `path` with a shorter side of at most `stored_size` pixels.

    A JPEG that is small enough and has three channels is passed on as it is. A picture that was taken with the camera
    turned is turned upright where its annotations are of that size. Raises InputError if the file cannot be decoded or
    is not `width` x `height`.
    """
    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content)) as stored:
            image = as_annotated(stored, width, height)
            if image.size != (width, height):
                raise InputError(f"{path}: the image is {image.width} x {image.height} pixels, its annotations say "
                                 f"{width} x {height}; correct the annotations or the file")
            if image.mode.startswith(("I", "F")):
                raise InputError(f"{path}: has pixels of more than 8 bits; convert it to 8 bits per channel")
            if image.format == "JPEG" and image.mode == "RGB" and min(image.size) <= stored_size:
                tf.io.decode_jpeg(content, channels=3)  # as training will; Pillow forgives more damage
                return content
            return _shrink(image, stored_size)
    except (OSError, SyntaxError, Image.DecompressionBombError, tf.errors.InvalidArgumentError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: cannot be decoded ({reason}); replace the file or drop it from the "
                         "annotations") from None


def _shrink(image: Image.Image, stored_size: int) -> bytes:
    scale = min(1.0, stored_size / min(image.size))
    size = tuple(max(1, round(side * scale)) for side in image.size)
    small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS) if scale < 1 else image.convert("RGB")
    out = io.BytesIO()
    small.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def _write_shards(annotations: Annotations, images: Path, folder: Path, stored_size: int,
                  boundaries: Sequence[int], label: str) -> list[Shard]:
    lengths = shard_lengths(annotations.num_images, boundaries)
    examples = _examples(annotations, images, stored_size)
    progress = Progress(label, annotations.num_images, "image")
    shards = []
    for number, length in enumerate(lengths):
        path = folder / f"{folder.name.split('.')[1]}-{number:05d}-of-{len(lengths):05d}.tfrecord"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for _ in range(length):
                writer.write(next(examples))
                progress.update()
        shards.append(Shard(path.name, length, path.stat().st_size))
    return shards


def _examples(annotations: Annotations, images: Path, stored_size: int, chunk: int = 256) -> Iterator[bytes]:
    """Yield a serialised tf.train.Example per image, decoding in threads, in order."""
    def one(position: int) -> bytes:
        encoded = encode_image(images / annotations.file_names[position], stored_size,
                               int(annotations.widths[position]), int(annotations.heights[position]))
        return make_example(annotations, position, encoded)

    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, annotations.num_images, chunk):
            yield from pool.map(one, range(start, min(start + chunk, annotations.num_images)))


def make_example(annotations: Annotations, position: int, encoded: bytes) -> bytes:
    """Return the tf.train.Example of one image under the Model Garden decoder's keys.

    Boxes are normalised by the size the annotations state; labels count from 1, as there.
    """
    rows = slice(annotations.starts[position], annotations.starts[position + 1])
    width, height = int(annotations.widths[position]), int(annotations.heights[position])
    x, y, w, h = annotations.boxes[rows].T
    features = {
        "image/encoded": _bytes([encoded]),
        "image/source_id": _bytes([str(annotations.image_ids[position]).encode()]),
        "image/height": _ints([height]),
        "image/width": _ints([width]),
        "image/object/bbox/xmin": _floats(x / width),
        "image/object/bbox/xmax": _floats((x + w) / width),
        "image/object/bbox/ymin": _floats(y / height),
        "image/object/bbox/ymax": _floats((y + h) / height),
        "image/object/class/label": _ints(annotations.classes[rows] + 1),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def _bytes(values: Sequence[bytes]) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _ints(values: Sequence[int] | np.ndarray) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _floats(values: np.ndarray) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def _size_of(path: Path, source: str) -> int:
    try:
        return path.stat().st_size
    except OSError:
        raise InputError(f"{source}: lists {path.name}, but {path} does not exist; check the image folder") from None


def _fingerprint(annotations: Annotations, source_sizes: Sequence[int], stored_size: int,
                 boundaries: Sequence[int]) -> str:
    """Return a hash of everything that determines the records; the images count by name and size in bytes."""
    settings = [annotations.checksum, annotations.categories, annotations.file_names, list(source_sizes), stored_size,
                sorted(boundaries), SHARD_IMAGES, JPEG_QUALITY]
    digest = hashlib.sha256(json.dumps(settings).encode())
    for array in (annotations.image_ids, annotations.starts, annotations.boxes, annotations.classes):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
