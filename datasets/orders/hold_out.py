"""A validation set cut from the training images by hash, where a data set comes without one."""

from __future__ import annotations

import os
from hashlib import blake2b

import numpy as np

from datasets.annotations import Annotations
from datasets.errors import InputError


def hold_out(annotations: Annotations, percent: float) -> tuple[Annotations, Annotations]:
    """Return the images that are left and those held out, about `percent` per cent.

    The name alone decides on which side an image is, so that it stays there when images are added.
    Raises InputError where either side is empty.
    """
    held = held_out(annotations, percent)
    if held.all() or not held.any():
        raise InputError(f"{annotations.source}: holding out {percent:g} % of {annotations.num_images} images leaves "
                         f"{int((~held).sum())} for training and {int(held.sum())} for validation; "
                         "take another share, or give a validation set")
    return annotations.take(np.flatnonzero(~held)), annotations.take(np.flatnonzero(held))


def held_out(annotations: Annotations, percent: float, salt: str = "hold out") -> np.ndarray:
    """Return bool [images]: about `percent` per cent, by hash of their names. Splits of two salts are unrelated."""
    limit = int(percent / 100 * 2**64)
    return np.array([_key(name, salt) < limit for name in annotations.file_names], bool)


def _key(name: str, salt: str) -> int:
    return int.from_bytes(blake2b(f"{salt} {os.path.splitext(name)[0]}".encode(), digest_size=8).digest(), "big")
