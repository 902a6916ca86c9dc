"""What looking for duplicate images costs: `python -m benchmarks.leaks [FOLDER]`.

Fingerprints of the JPEG and PNG files in FOLDER, or of 1,000 generated pictures of 640 x 480 pixels; beside it, in
turn, imagehash as its readme shows it: one thread, whole decoding, no checksum. Then the search, at COCO's size.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
from PIL import Image

from datasets.embedded.glyphs import digits
from datasets.embedded.scenes import paint_scene
from datasets.errors import InputError, command
from datasets.leaks import Fingerprints, find_pairs, find_pairs_within, fingerprint_images
from datasets.parser import Parser

IMAGES = 1000  # generated
SIZE = (640, 480)  # pixels
GRAIN = 17.0  # grey levels of noise, which bring a file to 140 kB, about a photograph of COCO
TRAIN, OTHER, HELD = 118_287, 5_000, 100_000  # COCO's train2017 and val2017; a data set's worth to hold
ROUNDS = 5


def paint_images(folder: Path) -> None:
    """Write IMAGES pictures of SIZE as JPEG files to `folder`."""
    alphabet = digits("train")
    for number in range(IMAGES):
        rng = np.random.default_rng(number)
        small = Image.fromarray(paint_scene(rng, alphabet).image)
        picture = np.asarray(small.resize(SIZE, Image.Resampling.BICUBIC), np.float32)
        picture = picture + rng.normal(0, GRAIN, picture.shape).astype(np.float32)
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(folder / f"{number:04d}.jpg", quality=90)


def made_up(images: int, seed: int) -> Fingerprints:
    """Return fingerprints of `images` unrelated pictures."""
    rng = np.random.default_rng(seed)
    digests = tuple(rng.bytes(32).hex() for _ in range(images))
    return Fingerprints(digests, rng.integers(0, 2**64, images, dtype=np.uint64), (), ())


def seconds(work: Callable[[], Any]) -> float:
    """Return the wall seconds of one call of `work`."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def peak_mb(work: Callable[[], Any]) -> float:
    """Return the MB that one call of `work` takes at most, its result included."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def measure_fingerprints(folder: Path) -> None:
    """Print images per second of this project and of imagehash alone, in turn, and the memory of the process."""
    names = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    unreadable = set(fingerprint_images(folder, names).unreadable)  # and the disk's cache is filled
    process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    paths = [folder / name for position, name in enumerate(names) if position not in unreadable]
    pairs = [(seconds(lambda: fingerprint_images(folder, [path.name for path in paths])),
              seconds(lambda: [imagehash.phash(Image.open(path)) for path in paths])) for _ in range(ROUNDS)]
    ours, alone = (statistics.median(column) for column in zip(*pairs))
    size = sum(path.stat().st_size for path in paths) / len(paths) / 1e3
    print(f"fingerprints of {len(paths)} images of {size:.0f} kB: {len(paths) / ours:.0f} images/s, "
          f"process {process:.0f} MB; imagehash alone: {len(paths) / alone:.0f} images/s; "
          f"median ratio {statistics.median(b / a for a, b in pairs):.2f} ({ROUNDS} pairs)")


def measure_search() -> None:
    """Print seconds and memory of the search, and the memory of fingerprints."""
    train, other = made_up(TRAIN, 1), made_up(OTHER, 2)
    between = statistics.median(seconds(lambda: find_pairs(train, other)) for _ in range(ROUNDS))
    print(f"search {TRAIN} x {OTHER}: {between:.2f} s (median of {ROUNDS}), "
          f"{peak_mb(lambda: find_pairs(train, other)):.0f} MB")
    print(f"search within {TRAIN}: {seconds(lambda: find_pairs_within(train)):.2f} s, "
          f"{peak_mb(lambda: find_pairs_within(train)):.0f} MB")
    print(f"{HELD} fingerprints held: {peak_mb(lambda: made_up(HELD, 3)):.0f} MB")


def make_parser() -> Parser:
    parser = Parser(prog="python -m benchmarks.leaks", description=__doc__,
                    epilog="examples:\n  python -m benchmarks.leaks\n  python -m benchmarks.leaks data/digits/train\n")
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="of images (default: painted ones)")
    return parser


@command
def main(argv: list[str] | None = None) -> None:
    given = make_parser().parse_args(argv).folder
    if given:
        if not given.is_dir():
            raise InputError(f"{given}: no such folder; check the path")
        measure_fingerprints(given)
    else:
        with tempfile.TemporaryDirectory() as folder:
            paint_images(Path(folder))
            measure_fingerprints(Path(folder))
    measure_search()


if __name__ == "__main__":
    sys.exit(main())
