"""What the columns of a table hold, by their headers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from datasets.errors import InputError
from predict.tables.curves import LOSS, MAP
from predict.tables.rows import Sheet

SIZES = ("images", "n images", "num images", "number of images", "image count", "training images", "train images",
         "size", "sizes", "subset size", "dataset size", "training size", "train size", "n train", "num train", "n",
         "samples", "n samples", "num samples", "training samples", "examples", "training examples", "imgs")
NOT_SIZES = {"per", "width", "height", "resolution", "px", "pixels"}  # of images, but not how many
SHARES = {"percent", "percentage", "pct", "fraction", "share", "proportion", "ratio"}
PER_CENT_WORDS = {"percent", "percentage", "pct", "%"}
OF_DATA = {"data", "dataset", "image", "images", "size", "subset", "train", "training", "samples"}
LABELS = {
    "curve": ("curve id", "curve", "curve name", "series", "experiment", "name"),
    "dataset": ("dataset", "data set"),
    "detector": ("detector", "model", "architecture", "network", "method", "algorithm"),
    "recipe": ("recipe",),
    "category": ("class", "category", "class name"),
    "metric": ("metric", "measure", "metric name"),
    "draw": ("draw", "fold"),
    "seed": ("seed", "run", "trial", "repeat", "repetition", "replicate"),
    "boxes": ("boxes", "n boxes", "num boxes", "number of boxes", "annotations", "instances"),
    "seconds": ("seconds",),
}
NAMING = ("curve", "dataset", "detector", "recipe")  # labels that tell one curve from another
VALUES = ("value", "score", "result")
POINTS_WORDS = {"pts", "points", "pct", "percent", "%"}
STDERR = r"(stderr|std err|std error|standard error|sem|se)"
SPREAD = r"(std|sd|std dev|stdev|standard deviation)"  # of runs: the standard error of one of them
ERROR = re.compile(rf"(?:(.*?) )?(?:{STDERR}|{SPREAD})")
ASIDE = {"source", "status", "group", "use", "split", "note", "notes", "comment", "comments", "remark", "remarks",
         "url", "date", "epoch", "epochs", "step", "steps", "iterations", "checkpoint", "time", "hours", "domain",
         "chosen", "low", "high", "lr", "learning rate", "batch size"}
FALLING = {"loss", "error"}
NO_VALUES = FALLING | {"image", "images", "seconds"}
THRESHOLDS = re.compile(r"(?<![a-z])m?ap[\s@_(\[-]*(?:iou\s*=?\s*)?(0?\.\d+|[5-9][05])"
                        r"(?:\s*[:,–-]\s*(?:0?\.05\s*[:,]\s*)?(0?\.95|95))?(?!\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Columns:
    """The places of a sheet's columns."""

    size: int | None
    share: int | None
    labels: dict[str, int]  # of LABELS, those that the table has
    values: list[int]
    errors: dict[int, int]  # value column -> the column of its error bars
    left_out: list[int] = field(default_factory=list)
    spreads: list[int] = field(default_factory=list)  # error bars that are standard deviations of runs


def metric_of(name: str) -> str:
    """Return what a header or a cell calls its metric: AP (IoU .50 to .95), AP50 and the like; empty where neither.

    mAP@0.5 is AP50, AP50:95 and mAP@[.5:.95] are AP; mAP alone stays mAP, whose thresholds nobody knows.
    """
    if found := THRESHOLDS.search(name):
        low, high = (float(text) * (1 if "." in text else 0.01) if text else None for text in found.groups())
        return "AP" if high and low == 0.5 else "" if high else f"AP{100 * (low or 0):.0f}"
    return {"ap": "AP", "map": MAP, "loss": LOSS}.get(bare(words(name)), "")


def words(name: str) -> str:
    """Return a header in small letters, its words separated by single blanks."""
    return " ".join(re.findall(r"[a-z0-9]+|%", re.sub(r"±|\+/?-", " stderr ", name.lower())))


def bare(name: str) -> str:
    """Return `words` without those that say the unit."""
    return " ".join(word for word in name.split() if word not in POINTS_WORDS)


def in_points(name: str) -> bool:
    """Return whether a header says that its values are points, 0 to 100."""
    return bool(POINTS_WORDS & set(words(name).split()))


def find_columns(sheet: Sheet) -> Columns:
    """Return what each column of `sheet` holds. Raises InputError where no column holds values."""
    names = [words(name) for name in sheet.header]
    labels = {label: names.index(found) for label, known in LABELS.items()
              if (found := next((name for name in known if name in names), None))}
    shares = [i for i, name in enumerate(names) if _is_share(name)]
    sizes = [i for i in _size_columns(names) if i not in labels.values()]
    size = next((i for i in sizes if i not in shares), None)
    if size is None and not shares:
        size = next((i for i in range(len(names)) if i not in labels.values()), None)
    if size is not None and any("%" in text for text in sheet.cells(size)):
        shares, size = [size, *shares], None
    taken = {size, *sizes, *shares, *labels.values()}
    errors = {i: found for i, name in enumerate(names) if i not in taken and (found := ERROR.fullmatch(name))}
    rest = [i for i, name in enumerate(names) if i not in taken and i not in errors]
    values = _value_columns(sheet, names, rest, bool(labels.keys() & set(NAMING)))
    if twice := {sheet.header[i] for i in values if sum(sheet.header[i] == sheet.header[j] for j in values) > 1}:
        raise InputError(f"{sheet.path}:{sheet.line}: two columns are called '{min(twice)}'; rename one")
    if not values:
        why = (f"no column of values beside '{sheet.header[size or 0]}'; give one column per curve, or columns called "
               "curve, images and value")
        if falling := [sheet.header[i] for i in rest if FALLING & set(names[i].split())]:
            why = f"column '{falling[0]}' falls with more images, where a forecast needs mAP; give mAP, or 1 - error"
        raise InputError(f"{sheet.path}:{sheet.line}: {why}")
    pairs = {value: i for i, found in errors.items() if (value := _measured_by(found[1], i, names, values)) is not None}
    aside = [i for i in range(len(names)) if i not in {*taken, *values, *pairs.values()}]
    return Columns(size, shares[0] if shares else None, labels, values, pairs, aside,
                   [i for i in pairs.values() if errors[i][3]])


def _is_share(name: str) -> bool:
    found = set(name.split())
    return (bool(SHARES & found) or found == {"%"} or ("%" in found and bool(OF_DATA & found))) \
        and bare(name) not in VALUES and not metric_of(name)


def _size_columns(names: list[str]) -> list[int]:
    """Return the columns that count images, the surest first."""
    exact = [names.index(name) for name in SIZES if name in names]
    about = [i for i, name in enumerate(names) if {"image", "images"} & set(name.split())
             and not NOT_SIZES & set(name.split()) and name != "image size"]
    return list(dict.fromkeys(exact + about))


def _value_columns(sheet: Sheet, names: list[str], rest: list[int], named: bool) -> list[int]:
    """Return the columns of values among `rest`; `named` says that other columns name the curves."""
    rest = [i for i in rest if names[i] and names[i] not in ASIDE and not NO_VALUES & set(names[i].split())]
    if values := [i for i in rest if bare(names[i]) in VALUES][:1]:
        return values
    if named and (values := [i for i in rest if metric_of(sheet.header[i])]):
        return values
    numeric = [i for i in rest if any(map(sheet.is_number, sheet.cells(i)))]
    return numeric or rest[:1]


def _measured_by(name: str | None, column: int, names: list[str], values: list[int]) -> int | None:
    """Return the value column that a column of error bars is about: the one it names, or else the one left of it."""
    if name:
        return next((i for i in values if names[i] == name), None)
    return next((i for i in reversed(values) if i < column), values[0])
