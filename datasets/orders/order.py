"""One nested order of the training images per draw: every subset is a prefix of it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path

import msgspec
import numpy as np

from datasets.annotations import Annotations, for_training
from datasets.errors import InputError, nearest
from datasets.files import write_text
from datasets.orders.ranking import NO_RANKING, read_ranking
from datasets.orders.strategies import STRATEGIES

FRACTIONS = (1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0, 75.0, 100.0)  # per cent, the subsets of the study of 2019


@dataclass(frozen=True)
class Order:
    """The order of a data set's images and the subsets cut from it. A subset is its length."""

    strategy: str
    draw: int
    source: str  # the annotation file
    checksum: str  # its SHA-256
    image_ids: tuple[int, ...]
    fractions: tuple[float, ...]  # per cent of the images, rising
    ranking: str = ""  # the SHA-256 of the file that the strategy order-file takes the order from
    left_out: tuple[int, ...] = ()  # ids of images of the source that are in no subset
    classes: tuple[str, ...] = ()  # of the annotations, after the class map

    @property
    def sizes(self) -> list[int]:
        """Return each subset's number of images."""
        return [subset_size(f, len(self.image_ids)) for f in self.fractions]

    def positions(self, annotations: Annotations) -> np.ndarray:
        """Return int64 [I]: where the images of this order stand in `annotations`, which have no others.

        Raises InputError if they are not the same images.
        """
        known, wanted = annotations.image_ids, np.array(self.image_ids, np.int64)
        order = np.argsort(known)
        if len(known) != len(wanted) or (known[order] != np.sort(wanted)).any():
            raise InputError(f"{annotations.source}: its images are not those of the order made from {self.source}; "
                             "make the order again")
        return order[np.searchsorted(known, wanted, sorter=order)]


def hash_order(file_names: Sequence[str], draw: int) -> np.ndarray:
    """Return int64 [I]: positions of `file_names` in the order of draw `draw`.

    The key is BLAKE2b of the draw and the name without its extension, so that the order depends neither on a
    library's generator nor on the images' order in the file, and adding images never reorders the others.
    """
    keys = np.frombuffer(b"".join([_digest(name, draw) for name in file_names]), ">u8")
    order = np.argsort(keys, kind="stable")
    if (np.diff(keys[order]) == 0).any():  # the same name with another extension; a collision would be a wonder
        return np.array(sorted(range(len(keys)), key=lambda p: (keys[p], file_names[p])), np.int64)
    return order


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


def fraction_of(count: int, images: int) -> float:
    """Return the shortest per cent value whose subset of `images` images has exactly `count`.

    Raises InputError if `count` is not from 1 to `images`.
    """
    if not 1 <= count <= images:
        raise InputError(f"a subset of {count} images cannot be cut from {images}; take 1 to {images}")
    parts = 1  # of a per cent
    while True:
        numerator = -(-count * 100 * parts // images)
        if numerator * images < (count + 1) * 100 * parts:
            return numerator / parts
        parts *= 10


def make_order(annotations: Annotations, draw: int, fractions: Sequence[float], strategy: str = "random",
               ranking: str | Path | None = None, left_out: Annotations | None = None) -> Order:
    """Return the nested order of `annotations` by `strategy` for `draw`, with its subsets checked.

    The strategy order-file needs `ranking`, the file that `read_ranking` reads. `left_out` are images of the same
    source that are in no subset; a ranking may name them.
    Raises InputError for an impossible fraction, an unknown strategy, and a ranking that does not fit it or the images.
    """
    rising = tuple(sorted({float(f) for f in fractions}))
    for fraction in rising:
        subset_size(fraction, annotations.num_images)
    check_strategy(strategy, draw, ranking)
    ranked = replace(read_ranking(ranking) if ranking else NO_RANKING, left_out=left_out)
    positions = STRATEGIES[strategy](annotations, hash_order(annotations.file_names, draw), ranked)
    image_ids = tuple(annotations.image_ids[positions].tolist())
    ids_left_out = tuple(left_out.image_ids.tolist()) if left_out is not None else ()
    return Order(strategy, draw, annotations.source, annotations.checksum, image_ids, rising, ranked.checksum,
                 ids_left_out, annotations.categories)


def check_strategy(strategy: str, draw: int, ranking: str | Path | None) -> None:
    """Raise InputError for an unknown strategy, and where strategy, draw and ranking do not go together."""
    if strategy not in STRATEGIES:
        raise InputError(f"no strategy '{strategy}'; {nearest(strategy, STRATEGIES)}")
    if strategy == "order-file" and not ranking:
        raise InputError("the strategy order-file needs a ranking of the images; name its file, or take another")
    if strategy != "order-file" and ranking:
        raise InputError(f"{ranking}: the strategy {strategy} takes no ranking; take order-file, or leave the file out")
    if ranking and draw:
        raise InputError(f"{ranking}: a ranking is one order, which draw {draw} would only repeat; leave the draw at 0")


def apply_order(annotations: Annotations, order: Order) -> Annotations:
    """Return the images of `order`, in it. Raises InputError if they are not those of `annotations`."""
    return annotations.take(order.positions(annotations))


def count_boxes(annotations: Annotations, positions: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Return int64 [S, K]: the boxes of each class in the first `sizes` [S] of the images at `positions` (int [I]).

    Of the boxes that a detector learns from.
    """
    usable, classes = for_training(annotations), len(annotations.categories)
    rank = np.empty(annotations.num_images, np.int64)
    rank[positions] = np.arange(annotations.num_images)
    subset = np.searchsorted(sizes, rank, side="right")[usable.image_of_box()]  # the first that has the box
    counts = np.bincount(subset * classes + usable.classes, minlength=(len(sizes) + 1) * classes)
    return counts.reshape(-1, classes)[:-1].cumsum(axis=0)


def write_order(path: str | Path, order: Order) -> None:
    """Write `order` as JSON with a line per field, whole or not at all."""
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in vars(order).items()]
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def read_order(path: str | Path) -> Order:
    """Read an order. Raises InputError where the file is missing or not one."""
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=Order)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not an order ({error}); make it again") from None


def _digest(name: str, draw: int) -> bytes:
    dot = name.rfind(".")
    if dot < 1 or name[dot - 1] in "./" or "/" in name[dot:]:
        dot = len(os.path.splitext(name)[0])  # which is slow, and knows names such as .hidden
    return blake2b(f"{draw} {name[:dot]}".encode(), digest_size=8).digest()
