"""Pictures that two splits share: identical files, and the same picture saved once more in another way.

Two pictures are compared by the 64-bit pHash of imagehash: the signs of the lowest frequencies of a 32 x 32 grey
thumbnail. Distance is the number of differing bits; unrelated pictures lie about 32 apart. Up to a distance of 6:

- found: a JPEG saved again at quality 60 or 30, in another format, in grey, at half or a quarter of the size, or a
  tenth brighter; with 1 % cut off at every side in 199 of 200 cases;
- by luck: with 2.5 % cut off at every side in three cases of four, with 5 % in one of six;
- not found: mirrored and turned pictures, and other pictures of the same scene unless they nearly coincide.

Pixels count as they are stored, as in training: a tag for the orientation is not followed, transparency is ignored.

A picture without detail says nothing by its hash: all black pictures have the same one, and so have all that merely
grow brighter from top to bottom. Those are called flat here, and match identical files only.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image

from datasets.progress import Progress

FLAT = 1.0  # grey levels of detail; rounding a thumbnail to whole levels alone makes 0.3
SIDE = 32  # pixels, of the thumbnail that pHash is made from
DRAFT = 2 * SIDE  # pixels a JPEG's sides keep at least while it is decoded; at 32 the hash of small pictures suffers
THREADS = 4
CHUNK = 256  # images the threads are given at once
CELLS = 1 << 18  # distances held at once; more do not fit the processor's cache


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Checksums and perceptual hashes of N images, in the order of the file names given."""

    sha256: tuple[str, ...]  # N, hexadecimal; empty for an unreadable image
    phash: np.ndarray  # uint64 [N]; 0 for an unreadable or flat image
    unreadable: tuple[int, ...]  # positions of images that are absent or cannot be decoded
    flat: tuple[int, ...]  # positions of images without detail, which match identical files only

    def hashed(self) -> np.ndarray:
        """Return int64 [M]: the positions of the images whose hash can be compared."""
        return np.setdiff1d(np.arange(len(self.phash)), [*self.unreadable, *self.flat])


@dataclass(frozen=True, order=True)
class Pair:
    """Two images that show the same picture."""

    train: int  # position in the first split
    other: int  # position in the second split, or further on in the same
    distance: int  # bits, from 0 to 64
    identical: bool  # the same file, byte for byte


def fingerprint_images(folder: str | Path, file_names: Sequence[str], label: str = "") -> Fingerprints:
    """Return the fingerprints of the images `file_names` in `folder`, each read once.

    An image that is absent or cannot be decoded, for whatever reason, is listed as unreadable. At most THREADS
    images are held at a time.
    """
    paths = [Path(folder, name) for name in file_names]
    progress = Progress(label or f"fingerprints of {folder}", len(paths), "image")
    found: list[tuple[str, int | None]] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as pool:
        warnings.simplefilter("ignore")  # Pillow has some for odd palettes and for large images
        for start in range(0, len(paths), CHUNK):
            for fingerprint in pool.map(_fingerprint, paths[start:start + CHUNK]):
                found.append(fingerprint)
                progress.update()
    return Fingerprints(
        sha256=tuple(digest for digest, _ in found),
        phash=np.array([value or 0 for _, value in found], np.uint64),
        unreadable=tuple(i for i, (digest, _) in enumerate(found) if not digest),
        flat=tuple(i for i, (digest, value) in enumerate(found) if digest and value is None),
    )


def _fingerprint(path: Path) -> tuple[str, int | None]:
    """Return the checksum ("" if unreadable) and the hash (None if unreadable or flat) of an image."""
    try:
        if not path.is_file():  # reading a pipe would wait for ever
            return "", None
        content = path.read_bytes()
        with Image.open(io.BytesIO(content)) as image:
            thumbnail = _thumbnail(image)
    except Exception:  # Pillow's decoders raise nearly every kind on damaged files
        return "", None
    digest = hashlib.sha256(content).hexdigest()
    if _detail(thumbnail) < FLAT:
        return digest, None
    bits = imagehash.phash(Image.fromarray(thumbnail)).hash
    return digest, int.from_bytes(np.packbits(bits).tobytes(), "big")


def _thumbnail(image: Image.Image) -> np.ndarray:
    """Return uint8 [SIDE, SIDE]: `image` in grey, reduced as imagehash does it."""
    image.draft("L", (DRAFT, DRAFT))  # a JPEG decodes at a fraction of its size in a fraction of the time
    if not image.mode.startswith(("I", "F")):
        return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    deep = np.asarray(image.convert("F").resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    low, high = float(deep.min()), float(deep.max())  # more than 8 bits, which Pillow would cut off at 255
    if not np.isfinite(high - low):
        raise ValueError("pixels that are not numbers")
    return ((deep - low) * (255 / max(high - low, 1e-9))).round().astype(np.uint8)


def _detail(thumbnail: np.ndarray) -> float:
    """Return the standard deviation, in grey levels, of what no column of greys plus a row of greys explains."""
    grey = thumbnail.astype(float)
    return float((grey - grey.mean(axis=0) - grey.mean(axis=1, keepdims=True) + grey.mean()).std())


def find_pairs(a: Fingerprints, b: Fingerprints, max_distance: int = 6) -> list[Pair]:
    """Return the pictures that `a` and `b` share, sorted by position.

    Every image of either side that has a counterpart within `max_distance` bits is in at least one pair: the one with
    an identical file on the other side, or else with its nearest image there (the first of several). So there are at
    most as many pairs as images, also where everything looks alike. Unreadable images are in none.
    """
    forth = {Pair(i, j, distance, same) for i, j, distance, same in _counterparts(a, b, max_distance)}
    back = {Pair(j, i, distance, same) for i, j, distance, same in _counterparts(b, a, max_distance)}
    return sorted(forth | back)


def find_pairs_within(a: Fingerprints, max_distance: int = 0) -> list[Pair]:
    """Return the images of `a` that show the picture of an earlier one, sorted by the earlier one's position.

    Each is paired as `other` once: with the first identical file before it, or else with the nearest image before it
    within `max_distance` bits. Without the images at `other`, each picture is left once.
    """
    found = _counterparts(a, a, max_distance, earlier=True)
    return sorted(Pair(j, i, distance, same) for i, j, distance, same in found)


def _counterparts(a: Fingerprints, b: Fingerprints, max_distance: int,
                  earlier: bool = False) -> Iterator[tuple[int, int, int, bool]]:
    """Yield position in `a`, position in `b`, distance and identity for each image of `a` with a counterpart in `b`."""
    first: dict[str, int] = {}
    for j, digest in enumerate(b.sha256):
        first.setdefault(digest, j)
    identical = {i: first[digest] for i, digest in enumerate(a.sha256) if digest and digest in first}
    identical = {i: j for i, j in identical.items() if j < i or not earlier}
    yield from ((i, j, 0, True) for i, j in identical.items())
    rows, columns = a.hashed(), b.hashed()
    nearest, distances = _nearest(a.phash[rows], b.phash[columns], earlier)
    for k in np.flatnonzero(distances <= max_distance):
        if (i := int(rows[k])) not in identical:
            yield i, int(columns[nearest[k]]), int(distances[k]), False


def _nearest(a: np.ndarray, b: np.ndarray, earlier: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return for each hash of `a` (uint64 [N]) the first nearest in `b` (uint64 [M]): int64 [N], and bits: uint8 [N].

    With `earlier`, only those of `b` at a smaller position count. Where there is none, the distance is 255.
    """
    nearest, distances = np.zeros(len(a), np.int64), np.full(len(a), 255, np.uint8)
    step = max(1, CELLS // max(1, len(b)))
    for start in range(0, len(a) if len(b) else 0, step):
        rows = slice(start, min(start + step, len(a)))
        columns = b[:rows.stop] if earlier else b
        table = np.bitwise_count(a[rows, None] ^ columns)
        if earlier:
            table[:, start:][np.triu_indices(rows.stop - start)] = 255
        nearest[rows] = table.argmin(axis=1)
        distances[rows] = table[np.arange(len(table)), nearest[rows]]
    return nearest, distances
