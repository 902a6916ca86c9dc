"""What an image costs on its way into training: `python -m benchmarks.parsing [--images FOLDER --annotations FILE]`.

CPU milliseconds of the whole process per image: TFRecords read, decoded, augmented, batched, by this project's pipeline
and by the Model Garden's decoder with its RetinaNet parser, which also matches anchors. The same records, in turn.
Without a folder, 400 generated pictures of 640 x 480 pixels and about 140 kB, as a photograph of COCO.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks.leaks import GRAIN, SIZE
from datasets.annotations import Annotations, for_training
from datasets.embedded.glyphs import digits
from datasets.embedded.scenes import paint_scene
from datasets.errors import InputError, command
from datasets.formats.coco import read_coco
from datasets.parser import Parser
from detectors.runtime import start
from records.manifest import first_shards

if TYPE_CHECKING:
    import tensorflow as tf

BATCH_SIZE = 16
INPUT_SIZES = (300, 512)  # pixels
AS_IT_IS = 8192  # a stored size that shrinks nothing
AUGMENTS = {"flip": ("flip",), "flip, ssd crop": ("flip", "ssd_crop")}
GOAL = 3.0


@dataclass(frozen=True)
class Cost:
    """Medians over the rounds: CPU milliseconds per image, and the ratio of each round's two."""

    ours: float
    official: float
    ratio: float


def paint(folder: Path, images: int) -> Annotations:
    """Write `images` pictures of SIZE with digits to `folder` and return their annotations."""
    scenes = [paint_scene(np.random.default_rng(number), digits("train")) for number in range(images)]
    boxes = []
    for number, scene in enumerate(scenes):
        large = Image.fromarray(scene.image).resize(SIZE, Image.Resampling.BICUBIC)
        noise = np.random.default_rng(number).normal(0, GRAIN, (SIZE[1], SIZE[0], 3))
        Image.fromarray((np.asarray(large) + noise).clip(0, 255).astype(np.uint8)).save(folder / f"{number}.jpg",
                                                                                        quality=90)
        boxes.append(scene.boxes * np.tile(np.divide(SIZE, scene.image.shape[1::-1]), 2))
    joined, classes = np.concatenate(boxes), np.concatenate([scene.classes for scene in scenes])
    return Annotations(digits("train").names, tuple(range(1, 11)), np.arange(images),
                       tuple(f"{number}.jpg" for number in range(images)), np.full(images, SIZE[0]),
                       np.full(images, SIZE[1]), np.cumsum([0, *map(len, boxes)]), joined, classes,
                       np.zeros(len(classes), bool), joined[:, 2] * joined[:, 3])


def our_batches(shards: Sequence[Path], images: int, size: int, augment: Sequence[str]) -> tf.data.Dataset:
    """Return this project's training batches."""
    from records.pipeline import training_batches

    return training_batches(shards, images, batch_size=BATCH_SIZE, input_size=size, seed=1, augment=augment)


def official_batches(shards: Sequence[Path], size: int, augment: Sequence[str]) -> tf.data.Dataset:
    """Return the Model Garden's: the whole image in a square of `size`, as a RetinaNet with nine anchors reads it."""
    import tensorflow as tf
    from official.vision.configs.common import Augmentation
    from official.vision.dataloaders.retinanet_input import Parser
    from official.vision.dataloaders.tf_example_decoder import TfExampleDecoder

    crop = Augmentation(type="ssd_random_crop") if "ssd_crop" in augment else None
    parser = Parser([size, size], 3, 7, 3, [0.5, 1.0, 2.0], 4.0, aug_type=crop, aug_rand_hflip="flip" in augment,
                    dtype="float32", pad=False, keep_aspect_ratio=False)
    decode, parse = TfExampleDecoder().decode, parser.parse_fn(True)
    examples = tf.data.TFRecordDataset([str(shard) for shard in shards], num_parallel_reads=tf.data.AUTOTUNE).repeat()
    examples = examples.map(lambda example: parse(decode(example)), num_parallel_calls=tf.data.AUTOTUNE)
    return examples.batch(BATCH_SIZE, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def cpu_milliseconds(batches: tf.data.Dataset, count: int) -> float:
    """Return the process's CPU time per image over `count` batches, after as many batches as are read ahead."""
    iterator = iter(batches)
    for _ in range(8):
        next(iterator)
    began = time.process_time()
    for _ in range(count):
        next(iterator)
    return (time.process_time() - began) * 1e3 / (count * BATCH_SIZE)


def compare(ours: Callable[[], float], official: Callable[[], float], rounds: int) -> Cost:
    """Measure both in turn, `rounds` times."""
    pairs = [(ours(), official()) for _ in range(rounds)]
    return Cost(*map(statistics.median, zip(*pairs)), statistics.median(b / a for a, b in pairs))


def measure(annotations: Annotations, images: Path, count: int, rounds: int) -> None:
    """Print a line per stored size, input size and augmentation."""
    import tensorflow as tf

    from records.write import write_records

    tf.random.set_seed(1)
    print(f"{'records':>12} {'input':>6} {'augmentation':>15} {'ours ms':>8} {'official ms':>12} {'ratio':>6}   "
          f"(CPU per image, goal {GOAL:g} times)")
    with tempfile.TemporaryDirectory() as folder:
        for stored in (INPUT_SIZES[0], AS_IT_IS):
            records = Path(folder, str(stored))
            write_records(annotations, images, records, stored_size=stored, label=f"records, {stored} px")
            shards = first_shards(records, annotations.num_images)
            for size in INPUT_SIZES if stored == AS_IT_IS else INPUT_SIZES[:1]:
                for name, augment in AUGMENTS.items():
                    mine = our_batches(shards, annotations.num_images, size, augment)
                    theirs = official_batches(shards, size, augment)
                    cost = compare(partial(cpu_milliseconds, mine, count), partial(cpu_milliseconds, theirs, count),
                                   rounds)
                    print(f"{'as they are' if stored == AS_IT_IS else f'{stored} px':>12} {size:>6} {name:>15} "
                          f"{cost.ours:8.2f} {cost.official:12.2f} {cost.ratio:6.2f}", flush=True)


def make_parser() -> Parser:
    parser = Parser(prog="python -m benchmarks.parsing", description=__doc__,
                    epilog="example:\n  python -m benchmarks.parsing --num-images 200 --rounds 3\n")
    parser.add_argument("--images", metavar="FOLDER", help="folder of JPEG files")
    parser.add_argument("--annotations", metavar="PATH", help="their annotations in COCO's format")
    parser.add_argument("--num-images", type=int, default=400, metavar="N",
                        help="to generate, where no folder is given (default: 400)")
    parser.add_argument("--batches", type=int, default=30, metavar="N",
                        help=f"of {BATCH_SIZE} images, in each measurement (default: 30)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns of each side (default: 5)")
    return parser


@command
def main(argv: list[str] | None = None) -> None:
    arguments = make_parser().parse_args(argv)
    if bool(arguments.images) != bool(arguments.annotations):
        raise InputError("--images and --annotations belong together; give both, or none for generated pictures")
    if min(arguments.num_images, arguments.batches, arguments.rounds) < 1:
        raise InputError("--num-images, --batches and --rounds count from 1")
    annotations = for_training(read_coco(arguments.annotations)) if arguments.images else None
    start("parsing")
    if annotations is not None:
        measure(annotations, Path(arguments.images), arguments.batches, arguments.rounds)
        return
    with tempfile.TemporaryDirectory() as folder:
        annotations = paint(Path(folder), arguments.num_images)
        measure(annotations, Path(folder), arguments.batches, arguments.rounds)


if __name__ == "__main__":
    sys.exit(main())
