"""A ranking of a data set's images from anywhere, such as a study of data pruning: the best image first."""

from __future__ import annotations

import os
from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np

from datasets.annotations import Annotations
from datasets.errors import InputError, nearest


@dataclass(frozen=True)
class Ranking:
    """Images by file name, by file name without extension, or by id."""

    images: tuple[str, ...]
    source: str  # the file
    checksum: str  # its SHA-256
    left_out: Annotations | None = None  # images that it may name, and that are in no subset


NO_RANKING = Ranking((), "", "")


def read_ranking(path: str | Path) -> Ranking:
    """Read a ranking: a text file with one image per line, or a JSON list of names or ids.

    Raises InputError for a file that is missing, empty, or neither.
    """
    try:
        content = Path(path).read_bytes()
        images = _decode(content)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; check the path") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8") from None
    except ValueError as error:
        raise InputError(f"{path}: not a list of file names or image ids ({error})") from None
    if not images:
        raise InputError(f"{path}: ranks no images; write one file name or image id per line")
    return Ranking(tuple(images), str(path), sha256(content).hexdigest())


def _decode(content: bytes) -> list[str]:
    text = content.decode("utf-8-sig").strip()
    if text.startswith("[") and text.endswith("]"):
        return [str(image) for image in msgspec.json.decode(text, type=list[str | int])]
    return [line.strip() for line in text.split("\n") if line.strip()]


def ranked_order(annotations: Annotations, ranking: Ranking) -> np.ndarray:
    """Return int64 [I]: positions of the images in the order of `ranking`.

    The file is read in one way: as ids if more of them are known than of the names, otherwise as names. Images that
    are left out are passed over.
    Raises InputError for an image that `annotations` lacks, one ranked twice, and images without a rank.
    """
    parts = (annotations, ranking.left_out) if ranking.left_out else (annotations,)
    names = [name for part in parts for name in part.file_names]
    known = max(_by_name(names), _by_id(np.concatenate([part.image_ids for part in parts])),
                key=lambda positions: sum(image in positions for image in ranking.images))
    unknown = next((n for n, image in enumerate(ranking.images) if image not in known), None)
    if unknown is not None:
        image = ranking.images[unknown]
        raise InputError(f"{ranking.source}: image {unknown + 1}, '{image}', is not in {annotations.source}; "
                         f"{nearest(image, _neighbours(image, sorted(known)))}")
    positions = np.array([known[image] for image in ranking.images], np.int64)
    _check_complete(positions, annotations, names, ranking.source)
    return positions[positions < annotations.num_images]


def _check_complete(positions: np.ndarray, annotations: Annotations, names: Sequence[str], source: str) -> None:
    """Raise InputError for an image ranked twice, and for one of `annotations`, first in `names`, without a rank."""
    counts = np.bincount(positions, minlength=len(names))
    if counts.max() > 1:
        first, second = np.flatnonzero(positions == counts.argmax())[:2] + 1
        raise InputError(f"{source}: images {first} and {second} are both '{names[int(counts.argmax())]}'; "
                         "keep one")
    counts = counts[:annotations.num_images]
    if counts.min() == 0:
        raise InputError(f"{source}: {(counts == 0).sum()} images of {annotations.source} have no rank, the first is "
                         f"'{annotations.file_names[counts.argmin()]}'; add them at the end, or leave them out of the "
                         "data set")


def _by_name(file_names: Sequence[str]) -> dict[str, int]:
    """Return the position of each file name, and of each name without extension that is one image's alone."""
    stems = [os.path.splitext(name)[0] for name in file_names]
    images = Counter(stems)
    positions = {stem: position for position, stem in enumerate(stems) if images[stem] == 1}
    return positions | {name: position for position, name in enumerate(file_names)}


def _by_id(image_ids: np.ndarray) -> dict[str, int]:
    return {str(id_): position for position, id_ in enumerate(image_ids.tolist())}


def _neighbours(image: str, known: list[str]) -> list[str]:
    """Return the few of `known` (sorted) around `image`: to compare it with all of a large data set is slow."""
    place = bisect(known, image)
    return known[max(place - 8, 0):place + 8]
