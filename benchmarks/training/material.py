"""Images to train on: digits painted on pictures as large and as heavy as photographs, or a data set of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from datasets.annotations import Annotations, for_training
from datasets.embedded.glyphs import Alphabet, digits
from datasets.embedded.scenes import paint_scene
from datasets.formats.coco import write_coco
from datasets.read import read
from records.manifest import first_shards
from records.write import write_records

IMAGES = 256  # painted, or taken of a data set
SIZE = (640, 480)  # pixels, width and height
GRAIN = 17.0  # grey levels of noise, which bring a file to 140 kB, about a photograph of COCO
QUALITY = 90  # of the JPEG files


@dataclass(frozen=True)
class Material:
    """Records to train on."""

    shards: list[Path]
    images: int
    classes: tuple[str, ...]
    text: str  # what they hold, for people


def paint_digits(folder: Path, alphabet: Alphabet | None = None) -> tuple[Path, Path]:
    """Paint IMAGES pictures of digits, or of another alphabet; return their COCO annotations and their folder."""
    alphabet, images = alphabet or digits("train"), folder / "images"
    images.mkdir(parents=True)
    boxes, classes, starts = [], [], [0]
    for number in range(IMAGES):
        rng = np.random.default_rng(number)
        scene = paint_scene(rng, alphabet)
        height, width = scene.image.shape[:2]
        picture = np.asarray(Image.fromarray(scene.image).resize(SIZE, Image.Resampling.BICUBIC), np.float32)
        picture = picture + rng.normal(0, GRAIN, picture.shape)
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(images / f"{number}.jpg", quality=QUALITY)
        boxes.append(scene.boxes * np.array([SIZE[0] / width, SIZE[1] / height] * 2))
        classes.append(scene.classes)
        starts.append(starts[-1] + len(scene.classes))
    flat = np.concatenate(boxes)
    annotations = Annotations(
        categories=alphabet.names, category_ids=tuple(range(1, len(alphabet.names) + 1)),
        image_ids=np.arange(1, IMAGES + 1), file_names=tuple(f"{number}.jpg" for number in range(IMAGES)),
        widths=np.full(IMAGES, SIZE[0], np.int32), heights=np.full(IMAGES, SIZE[1], np.int32),
        starts=np.array(starts), boxes=flat, classes=np.concatenate(classes).astype(np.int32),
        crowd=np.zeros(len(flat), bool), areas=flat[:, 2] * flat[:, 3])
    write_coco(folder / "instances.json", annotations)
    return folder / "instances.json", images


def write_material(folder: Path, stored_size: int, annotations: Path, images: Path) -> Material:
    """Write records of the first IMAGES images with boxes, at most `stored_size` pixels at the shorter side.

    Raises InputError for annotations or images that cannot be used.
    """
    whole = for_training(read(annotations)[0])
    taken = whole.take(np.flatnonzero(np.diff(whole.starts))[:IMAGES])
    manifest = write_records(taken, images, folder, stored_size=stored_size, label="records")
    kilobytes = manifest.stored_bytes / taken.num_images / 1000
    return Material(first_shards(folder, taken.num_images), taken.num_images, taken.categories,
                    f"{taken.num_images} images of {len(taken.categories)} classes, {taken.num_boxes} boxes, stored at "
                    f"{stored_size} px, {kilobytes:.0f} kB each")
