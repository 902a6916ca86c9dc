"""What a reader found in a file, and the one place where every format's rules are applied to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from datasets.annotations import Annotations, clip_boxes
from datasets.class_map import Mapping, choose, keep_all, map_classes, read_class_map
from datasets.errors import InputError
from datasets.findings import Finding, ReadReport, found

MOST_PIXELS = 1e9


@dataclass(frozen=True, eq=False)
class Table:
    """The records of a file as columns, as written: I images, B boxes, K categories."""

    format: str
    source: str  # the file or folder
    checksum: str  # SHA-256
    categories: tuple[str, ...]  # K names
    category_ids: tuple[int, ...]  # K
    complete: bool  # the file lists its categories; otherwise they are those that its boxes name
    image_ids: np.ndarray  # int64 [I]
    file_names: tuple[str, ...]  # I paths relative to the image root
    widths: np.ndarray  # int32 [I], pixels
    heights: np.ndarray  # int32 [I], pixels
    images: np.ndarray  # int64 [B], position of each box's image; -1: not listed
    classes: np.ndarray  # int32 [B], position of its category; -1: not listed
    boxes: np.ndarray  # float64 [B, 4], [x, y, width, height] in pixels
    areas: np.ndarray  # float64 [B], pixels; nan where the file has none
    crowd: np.ndarray  # bool [B]
    box_name: Callable[[int], str] = str  # row of the boxes -> what a person can look up
    findings: tuple[Finding, ...] = ()  # what only the reader can see
    images_root: str = ""  # the folder that file names start from, where the format says it


def assemble(table: Table, class_map: str = "", classes: Sequence[str] = (), strict: bool = False,
             lenient: bool = False) -> tuple[Annotations, ReadReport]:
    """Return the annotations of `table` under a class map and a choice of classes, and what is odd in it.

    Boxes stay as they are written, so that evaluation is that of the file; `for_training` repairs them.
    With `lenient`, a class that the file lacks has no boxes. Raises InputError for wrong classes, for a table without
    images or categories, for an image named twice, for an impossible box, and if `strict`, for anything that a rule
    would repair or skip.
    """
    _check_images(table)
    _check_boxes(table)
    mapping = _map(table, class_map, classes, lenient)
    skipped = _skip(table)
    listed = np.ones(len(table.boxes), bool)
    for finding in skipped:
        listed[finding.rows] = False
    target = mapping.target[table.classes]
    keep = np.flatnonzero(listed & (target >= 0))
    if (np.diff(table.images[keep]) < 0).any():
        keep = keep[np.argsort(table.images[keep], kind="stable")]
    images, boxes, areas = table.images[keep], table.boxes[keep], table.areas[keep]
    annotations = Annotations(
        categories=mapping.names,
        category_ids=mapping.ids,
        image_ids=table.image_ids,
        file_names=table.file_names,
        widths=table.widths,
        heights=table.heights,
        starts=np.searchsorted(images, np.arange(len(table.image_ids) + 1)),
        boxes=boxes,
        classes=target[keep],
        crowd=table.crowd[keep] | mapping.ignored[table.classes[keep]],
        areas=np.where(np.isnan(areas), boxes[:, 2] * boxes[:, 3], areas),
        source=table.source,
        checksum=table.checksum,
        images_root=table.images_root,
    )
    findings = (*table.findings, *skipped, *_notice(annotations, keep, table.box_name))
    if strict:
        _refuse_repairs(table.source, findings)
    return annotations, ReadReport(table.format, len(table.boxes), _dropped(table, listed, target), findings)


def _map(table: Table, class_map: str, classes: Sequence[str], lenient: bool) -> Mapping:
    if class_map:
        mapping = map_classes(read_class_map(class_map), table.categories, table.category_ids, table.source,
                              complete=not lenient)
    else:
        mapping = keep_all(table.categories, table.category_ids)
    return choose(mapping, classes, table.source, table.complete and not lenient) if classes else mapping


def _check_images(table: Table) -> None:
    """Raise InputError for a table without images or categories, or with an id, file or category given twice."""
    for what, values in (("images", table.image_ids), ("categories", table.categories)):
        if not len(values):
            raise InputError(f"{table.source}: lists no {what}")
    for what, values in (("image id", table.image_ids.tolist()), ("image", table.file_names),
                         ("category id", table.category_ids), ("category", table.categories)):
        if len(set(values)) < len(values):
            seen: set = set()
            repeated = [v for v in values if v in seen or seen.add(v)]
            raise InputError(f"{table.source}: {what} {repeated[0]!r:.80} appears twice; keep one "
                             f"({len(repeated)} such)")


def _check_boxes(table: Table) -> None:
    """Raise InputError for a coordinate that is no number or that no image has, with which areas would overflow."""
    if not np.abs(table.boxes).max(initial=0) <= MOST_PIXELS:
        row = int(np.flatnonzero(~(np.abs(table.boxes) <= MOST_PIXELS).all(axis=1))[0])
        box = table.boxes[row].tolist()
        raise InputError(f"{table.source}: {table.box_name(row)}: impossible box {box}; correct it")


def _skip(table: Table) -> list[Finding]:
    """Return the boxes that cannot be used, each under one rule."""
    absent_image = table.images < 0
    absent_category = ~absent_image & (table.classes < 0)
    negative = ~absent_image & ~absent_category & ((table.boxes[:, 2] < 0) | (table.boxes[:, 3] < 0))
    return [finding
            for rule, rows in (("absent image", absent_image), ("absent category", absent_category),
                               ("negative size", negative))
            for finding in found(rule, np.flatnonzero(rows), table.box_name)]


def _notice(annotations: Annotations, rows: np.ndarray, box_name: Callable[[int], str]) -> list[Finding]:
    """Return what is notable about boxes that are used; `rows` are their places in the table."""
    image = annotations.image_of_box()
    inside = clip_boxes(annotations.boxes, annotations.widths[image], annotations.heights[image])
    empty = ~((inside[:, 2] > 0) & (inside[:, 3] > 0))
    excess = np.maximum.reduce(np.abs(inside - annotations.boxes).T)
    rounding, over_edge = ~empty & (excess > 0) & (excess <= 1), ~empty & (excess > 1)
    bare = np.flatnonzero(np.diff(annotations.starts) == 0)
    return [*found("image without boxes", bare, annotations.file_names.__getitem__),
            *found("crowd", rows[annotations.crowd], box_name),
            *found("empty box", rows[empty], box_name),
            *found("rounding", rows[rounding], box_name),
            *found("over edge", rows[over_edge], box_name)]


def _dropped(table: Table, listed: np.ndarray, target: np.ndarray) -> dict[str, int]:
    """Return how many boxes each class had that is not among those asked for."""
    counts = np.bincount(table.classes[listed & (target < 0)], minlength=len(table.categories))
    return {table.categories[k]: int(counts[k]) for k in np.argsort(-counts, kind="stable") if counts[k]}


def _refuse_repairs(source: str, findings: Sequence[Finding]) -> None:
    for finding in findings:
        if finding.action != "kept":
            raise InputError(f"{source}: {finding}, first {finding.name_of(int(finding.rows[0]))}; correct the file "
                             "or leave --strict out")
