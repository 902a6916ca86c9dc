"""One nested order of the training images per draw: every subset is a prefix of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path

import msgspec
import numpy as np

from datasets.annotations import Annotations
from datasets.errors import InputError
from datasets.files import read_json, write_json


@dataclass(frozen=True)
class Order:
    """The order of a data set's images and the subsets cut from it. A subset is its length."""

    strategy: str
    draw: int
    source: str  # the annotation file
    checksum: str  # its SHA-256
    image_ids: tuple[int, ...]
    fractions: tuple[float, ...]  # per cent of the images, rising

    @property
    def sizes(self) -> list[int]:
        """Return each subset's number of images."""
        return [subset_size(f, len(self.image_ids)) for f in self.fractions]


def hash_order(file_names: Sequence[str], draw: int) -> np.ndarray:
    """Return int64 [I]: positions of `file_names` in the order of draw `draw`.

    The key is BLAKE2b of the draw and the name without its extension, so that the order depends neither on a
    library's generator nor on the images' order in the file, and adding images never reorders the others.
    """
    keys = [(_digest(name, draw), name) for name in file_names]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)


def subset_size(fraction: float, images: int) -> int:
    """Return the whole number of images in `fraction` per cent of `images`, rounded down.

    Raises InputError if the fraction is outside (0, 100] or selects no image.
    """
    if not 0 < fraction <= 100:
        raise InputError(f"fraction {fraction:g} is outside (0, 100] per cent")
    size = int(Fraction(str(fraction)) * images / 100)  # exact: 29 % of 100 images is 29, not 28.99…
    if size == 0:
        raise InputError(f"fraction {fraction:g} % of {images} images selects none; "
                         f"take at least {100 / max(images, 1):.3g} %")
    return size


def make_order(annotations: Annotations, draw: int, fractions: Sequence[float]) -> Order:
    """Return the random nested order of `annotations` for `draw`, with its subsets checked."""
    rising = tuple(sorted({float(f) for f in fractions}))
    for fraction in rising:
        subset_size(fraction, annotations.num_images)
    image_ids = annotations.image_ids[hash_order(annotations.file_names, draw)]
    return Order("random", draw, annotations.source, annotations.checksum, tuple(image_ids.tolist()), rising)


def apply_order(annotations: Annotations, order: Order) -> Annotations:
    """Return `annotations` with its images in `order`. Raises InputError if they are not the same images."""
    position = {id_: p for p, id_ in enumerate(annotations.image_ids.tolist())}
    if sorted(position) != sorted(order.image_ids):
        raise InputError(f"{annotations.source}: its images are not those of the order made from {order.source}; "
                         "make the order again")
    return annotations.take(np.array([position[id_] for id_ in order.image_ids]))


def write_order(path: str | Path, order: Order) -> None:
    """Write `order` as JSON, whole or not at all."""
    write_json(path, asdict(order))


def read_order(path: str | Path) -> Order:
    """Read an order. Raises InputError where the file is missing or not one."""
    try:
        return msgspec.convert(read_json(path), Order)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: not an order ({error}); make it again") from None


def _digest(name: str, draw: int) -> bytes:
    return blake2b(f"{draw} {os.path.splitext(name)[0]}".encode(), digest_size=8).digest()
