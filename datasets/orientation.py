"""EXIF's orientation: how a picture is turned between its stored pixels and its display.

Cameras store what the sensor saw and note how they were held. Tools that draw boxes show the picture upright;
TensorFlow decodes the pixels as stored.
"""

from __future__ import annotations

import os
import stat

import numpy as np
from PIL import ExifTags, Image, ImageOps

from datasets.errors import InputError

TRANSPOSED = 5  # EXIF 2.32, section 4.6.4, Orientation: from 5 to 8 the rows are the displayed picture's columns


def read_size(path: str | os.PathLike[str]) -> tuple[int, int, int]:
    """Return the displayed width and height in pixels of an image file, and its orientation (1 to 8).

    Only the header is read. Raises InputError for what is not an image.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for ever
            raise OSError("not a file")
        with Image.open(path) as image:
            orientation = orientation_of(image)
            width, height = image.size
    except Exception as error:  # Pillow raises nearly every kind on damaged files
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise InputError(f"{path}: cannot be opened as an image ({reason}); replace the file or remove it") from None
    return (height, width, orientation) if orientation >= TRANSPOSED else (width, height, orientation)


def orientation_of(image: Image.Image) -> int:
    """Return an image's orientation from 1 (as stored) to 8; 1 where EXIF is absent or damaged."""
    if "exif" not in image.info:  # asked for it, Pillow would decode a whole PNG to search behind the pixels
        return 1
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a damaged block: viewers ignore it
        return 1
    return value if value in range(1, 9) else 1


def as_annotated(image: Image.Image, width: int, height: int) -> Image.Image:
    """Return `image` as displayed where only that is `width` x `height`, otherwise as stored."""
    if image.size == (height, width) != (width, height) and orientation_of(image) >= TRANSPOSED:
        return ImageOps.exif_transpose(image)
    return image


def boxes_as_stored(boxes: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Return float64 [B, 4]: boxes drawn on displayed pictures, where they lie in the stored pixels.

    A box is its centre and size as fractions of the picture: [x, y, width, height]. `orientation` is int [B].
    """
    boxes = np.where(orientation[:, None] >= TRANSPOSED, boxes[:, [1, 0, 3, 2]], boxes)
    mirrored = np.stack([np.isin(orientation, (2, 3, 7, 8)), np.isin(orientation, (3, 4, 6, 7))], axis=1)
    return np.concatenate([np.where(mirrored, 1 - boxes[:, :2], boxes[:, :2]), boxes[:, 2:]], axis=1)
