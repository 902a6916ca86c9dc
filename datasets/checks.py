"""What can be wrong with a data set although its annotations read well."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.annotations import Annotations, boxes_per_class, for_training
from datasets.errors import InputError
from datasets.findings import Finding, found
from datasets.images import check_folder, check_images, missing_images
from datasets.leaks import Fingerprints, Pair, find_pairs, find_pairs_within, fingerprint_images
from datasets.orders.order import count_boxes, hash_order, subset_size


def check_boxes(annotations: Annotations) -> list[Finding]:
    """Return the boxes that repeat one of their image and class, and the classes that have none."""
    image = annotations.image_of_box()
    columns = np.column_stack([image, annotations.classes, annotations.boxes])
    order = np.lexsort(columns.T)
    again = np.sort(order[1:][(np.diff(columns[order], axis=0) == 0).all(axis=1)])

    def name(row: int) -> str:
        return f"{annotations.file_names[image[row]]} {annotations.boxes[row].tolist()}"

    bare = np.flatnonzero(boxes_per_class(annotations) == 0)
    return [*found("repeated box", again, name),
            *found("class without boxes", bare, annotations.categories.__getitem__)]


def check_validation(train: Annotations, validation: Annotations) -> list[Finding]:
    """Return the classes that training has boxes of and validation has not."""
    absent = (boxes_per_class(for_training(train)) > 0) & (boxes_per_class(validation) == 0)
    return found("class not in validation", np.flatnonzero(absent), train.categories.__getitem__)


def check_subsets(train: Annotations, fractions: Sequence[float]) -> list[Finding]:
    """Return the classes that the random subsets of `fractions` per cent lack, though the whole has them."""
    rising = sorted(fractions)
    sizes = [*(subset_size(fraction, train.num_images) for fraction in rising), train.num_images]
    *subsets, whole = count_boxes(train, hash_order(train.file_names, 0), sizes)
    names = [f"{fraction:g} %: {train.categories[k]}"
             for fraction, boxes in zip(rising, subsets) for k in np.flatnonzero((boxes == 0) & (whole > 0))]
    return found("class not in subset", np.arange(len(names)), names.__getitem__)


def check_files(annotations: Annotations, folder: str | Path) -> tuple[list[Finding], Fingerprints]:
    """Return the images that are absent, unreadable or identical to another, and the fingerprints of all."""
    check_folder(folder)
    names = annotations.file_names
    missing = missing_images(annotations, folder)
    prints = fingerprint_images(folder, names)
    within = find_pairs_within(prints)
    findings = [*found("missing file", missing, names.__getitem__),
                *found("unreadable file", sorted(set(prints.unreadable) - set(missing)), names.__getitem__),
                *found("repeated file", np.arange(len(within)),
                       lambda row: f"{names[within[row].other]} = {names[within[row].train]}")]
    return findings, prints


def check_leaks(train: Annotations, validation: Annotations, pairs: Sequence[Pair]) -> list[Finding]:
    """Return the training images that validation has too, once each. `pairs` are those of their fingerprints."""
    nearest = {pair.train: pair for pair in sorted(pairs, key=lambda pair: (-pair.distance, pair.identical))}
    same = sorted(row for row, pair in nearest.items() if pair.identical)
    near = sorted(nearest.keys() - set(same))

    def name(row: int) -> str:
        pair = nearest[row]
        distance = "" if pair.identical else f" (distance {pair.distance} of 64)"
        return f"{train.file_names[row]} = {validation.file_names[pair.other]}{distance}"

    return [*found("leak", same, name), *found("near leak", near, name)]


def find_leaks(train: Annotations, train_folder: str | Path, validation: Annotations, validation_folder: str | Path,
               max_distance: int) -> list[Finding]:
    """Return the training images whose files equal a validation image, or look like one within `max_distance` bits.

    Raises InputError for an image that is absent or cannot be decoded: it might be one of them.
    """
    prints = []
    for split, folder in ((train, train_folder), (validation, validation_folder)):
        check_images(split, folder)
        prints.append(fingerprint_images(folder, split.file_names))
        if unreadable := prints[-1].unreadable:
            raise InputError(f"{Path(folder, split.file_names[unreadable[0]])}: cannot be decoded, so it cannot "
                             f"be compared; replace the file or drop it from the annotations ({len(unreadable)} such)")
    return check_leaks(train, validation, find_pairs(prints[0], prints[1], max_distance))
