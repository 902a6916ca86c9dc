"""A study's annotations: read where the configuration says they are, in the nested order of a draw."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from datasets.annotations import Annotations, boxes_per_class, for_training, keep_classes
from datasets.embedded.make import MAKERS
from datasets.errors import InputError
from datasets.findings import Finding, ReadReport
from datasets.images import check_folder
from datasets.orders.hold_out import hold_out
from datasets.orders.order import Order, apply_order, make_order, read_order, subset_size, write_order
from datasets.read import read
from study.config import REPOSITORY, DatasetConfig, Split, Study
from study.layout import StudyFolder
from study.lock import hold
from study.matrix import Cell, draws_of, fractions_of


def root_of(dataset: DatasetConfig) -> Path:
    """Return the folder of a data set, after making it if it is an embedded one."""
    root = REPOSITORY / dataset.root
    if dataset.generator and root.exists():
        MAKERS[dataset.generator](root, *dataset.generated)
    elif dataset.generator:
        with hold(root.with_name(f".{root.name}.lock"), f"making {dataset.generator}", wait=True):
            for part in root.parent.glob(f".{root.name}.part-*"):  # of a process that was killed
                shutil.rmtree(part, ignore_errors=True)
            MAKERS[dataset.generator](root, *dataset.generated)
    return root


def read_train(dataset: DatasetConfig) -> Annotations:
    """Return the training annotations.

    Raises InputError for a missing or unusable file, and for a vocabulary of more classes than there are.
    """
    every = _read_all_classes(dataset)
    if dataset.vocabulary is None:
        return every
    if dataset.vocabulary > len(every.categories):
        raise InputError(f"{every.source}: data set '{dataset.name}' has {len(every.categories)} classes, and its "
                         f"vocabulary is {dataset.vocabulary}; take fewer")
    return _keep(every, _most_frequent(every, dataset.vocabulary))


def read_validation(dataset: DatasetConfig) -> Annotations:
    """Return the validation annotations, their classes in the order of the training's, whatever their ids.

    Raises InputError for a missing or unusable file, or one that lacks a class of the training.
    """
    if dataset.hold_out:
        held = _hold_out(_read_split(dataset, dataset.train, dataset.classes), dataset.hold_out)[1]
        return held if dataset.vocabulary is None else _keep(held, read_train(dataset).categories)
    return _read_split(dataset, dataset.validation, read_train(dataset).categories)


def validation_split(dataset: DatasetConfig) -> Split:
    """Return the split that the validation images are in."""
    return dataset.train if dataset.hold_out else dataset.validation


@lru_cache(maxsize=32)
def image_bytes(annotations: Annotations, folder: Path) -> int:
    """Return the size of all the image files in bytes, by which a change of pictures is noticed.

    Raises InputError naming the first one that is absent.
    """
    return sum(_file_size(os.path.join(folder, name), annotations.source) for name in annotations.file_names)


@lru_cache(maxsize=2**20)
def _file_size(path: str, source: str) -> int:
    """Return the size of a file in bytes, looked up once per process: a study asks for it in every cell."""
    try:
        return os.stat(path).st_size
    except OSError:
        raise InputError(f"{path}: listed in {source} but absent; restore it or check the path") from None


def read_findings(dataset: DatasetConfig) -> list[tuple[str, Finding]]:
    """Return what is odd in the annotation files, each finding after the split that it is in."""
    splits = [("train", dataset.train)] + [("validation", dataset.validation)] * (not dataset.hold_out)
    return [(name, finding) for name, split in splits
            for finding in _read_file(dataset, split, dataset.classes)[1].findings]


def _read_split(dataset: DatasetConfig, split: Split, classes: tuple[str, ...]) -> Annotations:
    return _read_file(dataset, split, classes)[0]


def _read_file(dataset: DatasetConfig, split: Split, classes: tuple[str, ...]) -> tuple[Annotations, ReadReport]:
    path = root_of(dataset) / split.annotations
    stamp = (path.stat().st_mtime_ns, path.stat().st_size) if path.exists() else (0, 0)
    class_map = str(REPOSITORY / dataset.class_map) if Path(dataset.class_map).suffix else dataset.class_map
    return _read(path, dataset.format, split.split, class_map, classes, stamp)


def _read_all_classes(dataset: DatasetConfig) -> Annotations:
    """Return the training annotations of any vocabulary, by which the order is made: all share their subsets."""
    whole = _read_split(dataset, dataset.train, dataset.classes)
    return _hold_out(whole, dataset.hold_out)[0] if dataset.hold_out else whole


@lru_cache(maxsize=16)
def _most_frequent(annotations: Annotations, count: int) -> tuple[str, ...]:
    """Return the `count` classes with most boxes to learn from, in their own order; of two alike the first."""
    ranked = np.argsort(-boxes_per_class(for_training(annotations)), kind="stable")
    return tuple(annotations.categories[k] for k in np.sort(ranked[:count]))


@lru_cache(maxsize=32)
def _keep(annotations: Annotations, names: tuple[str, ...]) -> Annotations:
    """Keep classes once per process: what is made of the annotations is remembered by the object."""
    return keep_classes(annotations, names)


@lru_cache(maxsize=16)
def _read(path: Path, format: str, split: str, class_map: str, classes: tuple[str, ...],
          stamp: tuple[int, int]) -> tuple[Annotations, ReadReport]:
    """Read annotations once per process, and again if the stamp has changed: a study asks for them in every cell."""
    return read(path, format=format, split=split, class_map=class_map, classes=classes)


@lru_cache(maxsize=8)
def _hold_out(whole: Annotations, percent: float) -> tuple[Annotations, Annotations]:
    return hold_out(whole, percent)


def image_folder(dataset: DatasetConfig, split: Split) -> Path:
    """Return the folder that the split's file names start from."""
    return root_of(dataset) / split.images


def require_data(study: Study, folder: StudyFolder, dataset: DatasetConfig) -> None:
    """Read a data set and cut its orders, which this process then remembers.

    A command that loads TensorFlow, ten seconds long, does so first: a mistake is told at once. Raises InputError for
    annotations that cannot be used, a folder of images that is not there, and orders that have changed.
    """
    read_validation(dataset)
    for split in (dataset.train, validation_split(dataset)):
        check_folder(image_folder(dataset, split))
    cut_orders(study, folder, dataset, read_train(dataset))


def cut_orders(study: Study, folder: StudyFolder, dataset: DatasetConfig, train: Annotations) -> dict[int, Order]:
    """Return the nested order of every draw, written to the study's folder on first use.

    Raises InputError where the annotations have changed since, or two fractions select the same images.
    """
    orders = {}
    for draw in draws_of(study):
        path = folder.order(dataset.name, draw)
        every = train if dataset.vocabulary is None else _read_all_classes(dataset)
        order = _make_order(every, draw, tuple(fractions_of(study, draw)), study.strategy, _ranking_of(dataset))
        if len(set(order.sizes)) < len(order.sizes):
            raise InputError(f"{train.source}: two fractions of its {train.num_images} images select the same subset "
                             f"(sizes {order.sizes}); leave one out")
        before = _read_if_whole(path)
        if before:
            _refuse_changed(before, order, path)
        if before != order:
            write_order(path, order)
        orders[draw] = order
    return orders


def in_order(train: Annotations, order: Order) -> Annotations:
    """Return the images that the largest subset of `order` holds, in its order."""
    ordered = apply_order(train, order)
    largest = subset_size(order.fractions[-1], ordered.num_images)
    if largest == ordered.num_images:
        return ordered
    return ordered.take(np.arange(largest))


def read_subset(folder: StudyFolder, dataset: DatasetConfig, cell: Cell) -> Annotations:
    """Return the images of one cell, in their order. Raises InputError where the order is missing or out of date."""
    path = folder.order(dataset.name, cell.draw)
    if not path.exists():
        raise InputError(f"{path}: the subsets are not cut yet; run python -m records first")
    stamp = (path.stat().st_mtime_ns, path.stat().st_size)
    train, every = read_train(dataset), _read_all_classes(dataset)
    return _take(train, every, path, stamp, cell.draw, cell.fraction, _ranking_of(dataset))


@lru_cache(maxsize=32)
def _take(train: Annotations, every: Annotations, path: Path, stamp: tuple[int, int], draw: int, fraction: float,
          ranking: str) -> Annotations:
    """Take a subset once per process: cells that differ in detector or seed alone share it."""
    order = _read_order(path, stamp)
    _refuse_changed(order, _make_order(every, draw, order.fractions, order.strategy, ranking), path)
    return apply_order(train, order).take(np.arange(subset_size(fraction, train.num_images)))


@lru_cache(maxsize=16)
def _read_order(path: Path, stamp: tuple[int, int]) -> Order:
    return read_order(path)


def _read_if_whole(path: Path) -> Order | None:
    """Return the order at `path`, None where it is missing or damaged, which is said on stderr: it is made again."""
    try:
        return read_order(path) if path.exists() else None
    except InputError as error:
        print(error, file=sys.stderr, flush=True)
        return None


def _ranking_of(dataset: DatasetConfig) -> str:
    return str(root_of(dataset) / dataset.ranking) if dataset.ranking else ""


@lru_cache(maxsize=16)
def _make_order(train: Annotations, draw: int, fractions: tuple[float, ...], strategy: str, ranking: str) -> Order:
    """Make an order once per process: every cell asks for it, and a stratified one takes seconds."""
    return make_order(train, draw, fractions, strategy, ranking)


def _refuse_changed(old: Order, new: Order, path: Path) -> None:
    if replace(old, fractions=(), source="") != replace(new, fractions=(), source=""):
        raise InputError(f"{path}: cut by another strategy, or from other annotations than {new.source} has now; give "
                         "the study another --name, or delete its folder to start again")
