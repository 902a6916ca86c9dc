"""A learning curve as a table tells it, and what its points have to be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from datasets.errors import InputError

LOSS = "loss"  # the one metric that is no share of something
MAP = "mAP"  # the metric of tables that do not say
IMAGES, PER_CENT = "images", "per cent"  # what sizes are counted in


@dataclass(frozen=True, eq=False)
class Curve:
    """What a table says about one learning curve; a size may occur several times (draws, seeds).

    Raises InputError, on being made, for arrays of different lengths and for points that cannot be.
    """

    name: str
    images: np.ndarray  # float64 [n], positive
    values: np.ndarray  # float64 [n], in [0, 1]; a loss is 0 or more
    stderr: np.ndarray  # float64 [n], nan where the table has none
    metric: str = MAP
    dataset: str = ""
    detector: str = ""
    recipe: str = ""
    category: str = ""  # a class name; empty is the mean over classes
    whole: float = 0.0  # images at 100 per cent, as far as the table tells
    notes: tuple[str, ...] = ()  # what was done to the table on reading it
    draws: tuple[str, ...] = ()  # [n], of each value; empty where the table does not tell draws and seeds apart
    seeds: tuple[str, ...] = ()  # [n]
    interval_80: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))  # float64 [n, 2], nan where unknown
    boxes: np.ndarray = field(default_factory=lambda: np.empty(0))  # float64 [n]: in the subset, nan where unknown
    seconds: np.ndarray = field(default_factory=lambda: np.empty(0))  # float64 [n]: of the run, nan where unknown
    class_boxes: float = math.nan  # boxes in an image of the category, or of the median one; nan where unknown
    sizes: str = IMAGES  # or PER_CENT: `images` and `whole` are then per cent of a data set of unknown size
    source: str = ""  # the table's path

    def __post_init__(self) -> None:
        check_points(place(self.source, self.name), self.metric, self.images, self.values, self.stderr)


@dataclass(frozen=True)
class Record:
    """One measured value, and the line of the file it stands in."""

    line: int
    images: float
    value: float
    stderr: float = math.nan
    percent: float = math.nan  # of the whole
    draw: str = ""
    seed: str = ""
    low_80: float = math.nan
    high_80: float = math.nan
    boxes: float = math.nan
    seconds: float = math.nan

    def divided(self, divisor: float) -> Record:
        """Return the record with its value and what belongs to it divided."""
        if divisor == 1:
            return self
        return replace(self, value=self.value / divisor, stderr=self.stderr / divisor, low_80=self.low_80 / divisor,
                       high_80=self.high_80 / divisor)


def place(source: str, name: str) -> str:
    """Return how a message begins: the table where there is one, and the curve."""
    return f"{source}: {name}" if source else name


def check_points(where: str, metric: str, images: np.ndarray, values: np.ndarray, stderr: np.ndarray) -> None:
    """Raise InputError, beginning with `where`, unless the arrays [n] can be points of a learning curve."""
    if not np.shape(images) == np.shape(values) == np.shape(stderr) or np.ndim(images) != 1:
        raise InputError(f"{where}: sizes, values and standard errors must be arrays of one length; got shapes "
                         f"{np.shape(images)}, {np.shape(values)} and {np.shape(stderr)}")
    if found := fault(metric, np.asarray(images, float), np.asarray(values, float), np.asarray(stderr, float)):
        raise InputError(f"{where}: point {found[0] + 1}: {found[1]}")


def fault(metric: str, images: np.ndarray, values: np.ndarray, stderr: np.ndarray,
          divisor: float = 1.0) -> tuple[int, str] | None:
    """Return the first point that cannot be, and why with the remedy; None where all can.

    `divisor` is what the table's own numbers were divided by, so that the message shows those.
    """
    loss = metric == LOSS
    expected = "0 or more" if loss else "0 to 1 (or 0 to 100 points)"
    for rows, why in (
        (~(np.isfinite(images) & (images > 0)), "the size must be a positive number of images; mend or delete the row"),
        (~(np.isfinite(values) & (values >= 0) & (loss | (values <= 1))),
         f"{{value:g}} is no {'loss' if loss else 'mAP'}; expected {expected}"),
        (np.isinf(stderr) | (stderr < 0), "a standard error cannot be negative or infinite; leave it blank if unknown"),
        ((stderr > 1) & (not loss), "a standard error cannot exceed the metric's whole range; give it in the unit of "
         "the values"),
    ):
        if rows.any():
            first = int(np.argmax(rows))
            return first, why.format(value=values[first] * divisor)
    return None


def make_curve(name: str, records: Sequence[Record], source: str, *, whole: float | None = None, divisor: float = 1.0,
               notes: Sequence[str] = (), runs: bool = False, class_boxes: float = math.nan, **labels: Any) -> Curve:
    """Return the curve of one record or more. `whole` is the images at 100 per cent where the user gives them.

    `runs` says that the table tells draws and seeds apart: two records of one run must then agree, and count once.
    Without it, values that differ at one size are repeated runs, and a note says so.
    Raises InputError naming file and line for points that cannot be.
    """
    _check(name, records, source, divisor, labels.get("metric", MAP))
    if runs:
        records, more = _one_per_run(name, records, source)
    else:
        more = _repeats(name, records, divisor)
    images, values, stderr, boxes, seconds = np.array(
        [(r.images, r.value, r.stderr, r.boxes, r.seconds) for r in records]).T
    if whole is not None and whole < images.max():
        raise InputError(f"{source}: {name}: --whole {whole:,.0f} is less than its largest subset of "
                         f"{images.max():,.0f} images; give the images of the whole data set")
    return Curve(name, images, values, stderr, whole=whole or _whole(records), notes=(*notes, *more),
                 draws=tuple(r.draw for r in records) if runs else (),
                 seeds=tuple(r.seed for r in records) if runs else (),
                 interval_80=np.array([(r.low_80, r.high_80) for r in records]), boxes=boxes, seconds=seconds,
                 class_boxes=class_boxes, source=source, **labels)


def _check(name: str, records: Sequence[Record], source: str, divisor: float, metric: str) -> None:
    images, values, stderr = np.array([(r.images, r.value, r.stderr) for r in records]).T
    if found := fault(metric, images, values, stderr, divisor):
        raise InputError(f"{source}:{records[found[0]].line}: {name}: {found[1]}")
    for r in records:
        if r.boxes < 0 or r.seconds < 0:
            raise InputError(f"{source}:{r.line}: {name}: boxes and seconds cannot be negative; leave them blank")
        if r.low_80 > r.high_80:
            raise InputError(f"{source}:{r.line}: {name}: low_80 lies above high_80; exchange them")


def _one_per_run(name: str, records: Sequence[Record], source: str) -> tuple[list[Record], list[str]]:
    """Return the records without those that say again what an earlier one of the same run says, and notes on them."""
    kept: dict[tuple[float, str, str], Record] = {}
    notes = []
    for r in records:
        first = kept.setdefault((r.images, r.draw, r.seed), r)
        if first.value != r.value:
            run = "".join(f", {what} {label}" for what, label in (("draw", r.draw), ("seed", r.seed)) if label)
            raise InputError(f"{source}:{r.line}: {name}: {r.value:g} for {r.images:,g} images{run}, but line "
                             f"{first.line} has {first.value:g} for the same run; delete one, or number seeds apart")
        if first is not r:
            notes.append(f"{name}: line {r.line} repeats the run of line {first.line} and counts once")
    return list(kept.values()), notes


def _repeats(name: str, records: Sequence[Record], divisor: float) -> list[str]:
    """Return a note on every size whose values differ although nothing tells the runs apart."""
    notes = []
    for size in dict.fromkeys(r.images for r in records):
        same = [r for r in records if r.images == size]
        values = [r.value * divisor for r in same]
        if min(values) < max(values):
            lines = ", ".join(str(r.line) for r in same)
            notes.append(f"{name}: lines {lines} give {min(values):g} to {max(values):g} for {size:,g} images; taken "
                         f"as {len(same)} runs: their mean counts, and their spread joins the error bar")
    return notes


def _whole(records: Sequence[Record]) -> float:
    """Return the images at 100 per cent: told by the largest subset's share where the table has shares."""
    last = max(records, key=lambda r: r.images)
    return last.images * 100 / last.percent if 0 < last.percent < 100 else last.images
