"""Annotations and images into TFRecord shards, cut so that every subset is a list of whole files."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import shutil
import sys
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
from records.manifest import (
    FILE_NAME,
    Corrupt,
    Manifest,
    Shard,
    check_share,
    describe,
    read_manifest,
    reason_of,
    write_manifest,
)
from study.lock import hold

SHARD_IMAGES = 2000  # at most, so that readers work in parallel
JPEG_QUALITY = 92
THREADS = 4


class CorruptImage(InputError):
    """An image file whose content cannot be decoded."""

    def __init__(self, path: Path, reason: str):
        super().__init__(f"{path}: cannot be decoded ({reason}); replace the file or drop it from the annotations")
        self.reason = reason


def write_records(annotations: Annotations, images: Path, folder: Path, *, stored_size: int,
                  boundaries: Sequence[int] = (), max_corrupt: float = 0.0, label: str = "records",
                  anew: bool = False) -> Manifest:
    """Write `annotations` as TFRecords under `folder`, in their order, and return the manifest.

    `images` is the folder the file names start from. No image is kept with a shorter side above `stored_size`
    pixels, none is enlarged. A shard ends at each of `boundaries` (numbers of images), so that a subset is a list
    of whole files. Where complete records of the same content are there, nothing is done, unless they are to be made
    `anew`; where another process is at it, this one waits. An image that cannot be decoded has an empty record in its
    place and is listed in the manifest, and on stderr, as long as that befalls no more than `max_corrupt` per cent of
    the images up to any boundary.
    Raises InputError naming the first image that is missing or not of the size its annotations say, or the first ones
    that cannot be decoded where they are too many.
    """
    source_sizes = [_size_of(images / name, annotations.source) for name in annotations.file_names]
    fingerprint = _fingerprint(annotations, source_sizes, stored_size, boundaries)
    present = None if anew else _present(folder, fingerprint)
    if present is None:
        with hold(folder.with_name(f".{folder.name}.lock"), label, wait=True):
            present = None if anew else _present(folder, fingerprint)  # by now
            if present is None:
                return _write(annotations, images, folder, fingerprint, sum(source_sizes), stored_size, boundaries,
                              max_corrupt, label)
    for end in _edges(annotations.num_images, boundaries)[1:]:
        check_share(present.corrupt, end, max_corrupt, images)
    return present


def _write(annotations: Annotations, images: Path, folder: Path, fingerprint: str, source_bytes: int, stored_size: int,
           boundaries: Sequence[int], max_corrupt: float, label: str) -> Manifest:
    """Write the records beside `folder` and move them there, as the only process that does."""
    for stale in folder.parent.glob(f".{folder.name}.part-*"):  # of one that was killed
        shutil.rmtree(stale, ignore_errors=True)
    part, old = (folder.with_name(f".{folder.name}.part-{which}") for which in ("new", "old"))
    part.mkdir(parents=True)
    try:
        shards, corrupt = _write_shards(annotations, images, part, stored_size, boundaries, max_corrupt, label)
        manifest = Manifest(fingerprint, stored_size, source_bytes, tuple(shards), tuple(corrupt))
        write_manifest(part, manifest)
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    if manifest.corrupt:
        print(f"warning: {images}: {describe(manifest.corrupt)} of {annotations.num_images} training images cannot be "
              f"decoded and are left out; {folder / FILE_NAME} lists them; to use them again, replace the files and "
              f"delete {folder}", file=sys.stderr)
    return manifest


def _present(folder: Path, fingerprint: str) -> Manifest | None:
    """Return the manifest of complete records of this content. A damaged one counts as none, and is said on stderr."""
    try:
        manifest = read_manifest(folder)
    except InputError as error:
        print(f"{error}; the records are made anew", file=sys.stderr, flush=True)
        return None
    return manifest if manifest and manifest.fingerprint == fingerprint else None


def shard_lengths(images: int, boundaries: Sequence[int]) -> list[int]:
    """Return the number of images in each shard: one ends at every boundary, none is longer than SHARD_IMAGES."""
    lengths = []
    edges = _edges(images, boundaries)
    for low, high in zip(edges, edges[1:]):
        pieces = -(-(high - low) // SHARD_IMAGES)
        cuts = np.linspace(low, high, pieces + 1).round().astype(int)
        lengths += np.diff(cuts).tolist()
    return lengths


def _edges(images: int, boundaries: Sequence[int]) -> list[int]:
    """Return where the subsets end, from 0 on."""
    return sorted({0, images, *boundaries})


def encode_image(path: Path, stored_size: int, width: int, height: int) -> bytes:
    """Return an RGB JPEG of the image at `path` with a shorter side of at most `stored_size` pixels.

    A JPEG that is small enough and has three channels is passed on as it is. A picture that was taken with the camera
    turned is turned upright where its annotations are of that size. Raises InputError if the file cannot be opened or
    is not `width` x `height`, CorruptImage if its content cannot be decoded.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; check the image folder") from None
    try:
        return _encode(path, content, stored_size, width, height)
    except InputError:
        raise
    except Exception as error:  # Pillow raises nearly every kind on damaged files
        raise CorruptImage(path, reason_of(error)) from None


def _encode(path: Path, content: bytes, stored_size: int, width: int, height: int) -> bytes:
    with Image.open(io.BytesIO(content)) as stored:
        image = as_annotated(stored, width, height)
        if image.size != (width, height):
            raise InputError(f"{path}: the image is {image.width} x {image.height} pixels, its annotations say "
                             f"{width} x {height}; correct the annotations or the file")
        if image.mode.startswith(("I", "F")):
            raise InputError(f"{path}: has pixels of more than 8 bits; convert it to 8 bits per channel")
        if stored.format in ("JPEG", "MPO"):
            # As training will: Pillow forgives more damage. The pixels are the same, and sooner here.
            pixels = tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE")
            if image is stored:
                if stored.format == "JPEG" and stored.mode == "RGB" and min(stored.size) <= stored_size:
                    return content
                image = Image.fromarray(pixels.numpy())
        return _shrink(image, stored_size)


def _shrink(image: Image.Image, stored_size: int) -> bytes:
    scale = min(1.0, stored_size / min(image.size))
    size = tuple(max(1, round(side * scale)) for side in image.size)
    small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS) if scale < 1 else image.convert("RGB")
    out = io.BytesIO()
    small.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def _write_shards(annotations: Annotations, images: Path, folder: Path, stored_size: int, boundaries: Sequence[int],
                  max_corrupt: float, label: str) -> tuple[list[Shard], list[Corrupt]]:
    lengths = shard_lengths(annotations.num_images, boundaries)
    ends = _edges(annotations.num_images, boundaries)
    examples = _examples(annotations, images, stored_size, max_corrupt)
    progress = Progress(label, annotations.num_images, "image")
    shards: list[Shard] = []
    corrupt: list[Corrupt] = []
    for number, length in enumerate(lengths):
        path = folder / f"{folder.name.split('.')[1]}-{number:05d}-of-{len(lengths):05d}.tfrecord"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for example, damage in itertools.islice(examples, length):
                writer.write(example)
                corrupt += [damage] if damage else []
                progress.update()
        shards.append(Shard(path.name, length, path.stat().st_size))
        if (written := sum(shard.images for shard in shards)) in ends:
            check_share(corrupt, written, max_corrupt, images)
    return shards, corrupt


def _examples(annotations: Annotations, images: Path, stored_size: int, max_corrupt: float,
              chunk: int = 256) -> Iterator[tuple[bytes, Corrupt | None]]:
    """Yield a serialised tf.train.Example per image, decoding in threads, in order; with it what is wrong with it."""
    def one(position: int) -> tuple[bytes, Corrupt | None]:
        name = annotations.file_names[position]
        try:
            encoded = encode_image(images / name, stored_size, int(annotations.widths[position]),
                                   int(annotations.heights[position]))
        except CorruptImage as error:
            if not max_corrupt:
                raise
            return (make_example(annotations, position, b""),
                    Corrupt(position, int(annotations.image_ids[position]), name, error.reason))
        return make_example(annotations, position, encoded), None

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
