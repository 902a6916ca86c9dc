"""Curves out of any table: a column per curve, or a row per point with columns that name its curve."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from datasets.errors import InputError, nearest
from predict.tables.columns import (
    FALLING,
    NAMING,
    PER_CENT_WORDS,
    Columns,
    find_columns,
    in_points,
    metric_of,
    words,
)
from predict.tables.curves import IMAGES, MAP, PER_CENT, Curve, Record, make_curve
from predict.tables.rows import BLANK, Row, Sheet
from predict.tables.unit import divisor_of

POINTS = ("category", "metric", "draw", "seed")  # labels of single points
OVERALL = {"", "all", "mean", "overall"}  # classes that are none
ZERO = "the row of 0 images was dropped: it was not measured"


@dataclass(frozen=True)
class _Key:
    """What tells one curve from another."""

    curve: str
    dataset: str
    detector: str
    recipe: str
    category: str
    metric: str
    column: str  # header of the values

    def name(self, columns: int) -> str:
        """Return what to call the curve in a table of so many columns of values."""
        named = self.curve or " ".join(filter(None, (self.dataset, self.detector, self.recipe)))
        return " ".join(filter(None, (named, self.column if columns > 1 or not named else "", self.category)))


def metrics_of(sheet: Sheet) -> list[str]:
    """Return the metrics that a column of metrics names, in its order; none where there is no such column."""
    column = find_columns(upright(sheet)).labels.get("metric")
    return [] if column is None else list(dict.fromkeys(map(_metric, filter(_rises, sheet.cells(column)))))


def read_plain(sheet: Sheet, metric: str | None, per_class: bool, unit: str | None, whole: float | None) -> list[Curve]:
    """Return the curves of a sheet; of `metric`, where the table tells it, and per class only when asked.

    `unit` ("fraction", "points") and `whole` (images at 100 per cent) are what the user says.
    Raises InputError naming file, line and remedy for what cannot be a learning curve.
    """
    sheet = upright(sheet)
    columns = find_columns(sheet)
    rows = [row for row in sheet.rows if not _of_nothing(sheet, columns, row)]
    notes = [*[ZERO] * (len(rows) < len(sheet.rows)), *_left_out(sheet, columns)]
    found: dict[_Key, list[Record]] = {}
    for key, record in _records(sheet, columns, rows):
        found.setdefault(key, []).append(record)
    found = _of_metric(sheet, _of_classes(sheet, found, per_class), metric, notes)
    if unit is None:
        _refuse_mixed_cells(sheet, columns)
    said = any(in_points(sheet.header[i]) or any("%" in cell for cell in sheet.cells(i)) for i in columns.values)
    divisor, note = divisor_of({_name(key, found): [r.value for r in records] for key, records in found.items()}, unit,
                               said, sheet.path)
    sizes, size_notes = _size_notes(columns, whole)
    runs = bool({"draw", "seed"} & columns.labels.keys())
    spread = [f"'{sheet.header[i]}' is taken as the standard error" for i in columns.spreads]
    if sizes == PER_CENT or columns.size is None:
        found = {key: [replace(r, images=r.percent * (whole or 100) / 100) for r in records]
                 for key, records in found.items()}
    return [make_curve(_name(key, found), [r.divided(divisor) for r in records], sheet.path, whole=whole,
                       divisor=divisor, notes=(*notes, note, *size_notes, *spread), runs=runs, sizes=sizes,
                       metric=key.metric, category=key.category, recipe=key.recipe, **_labels(key, found))
            for key, records in found.items()]


def upright(sheet: Sheet) -> Sheet:
    """Return a sheet whose sizes stand in the header, as papers print them, with its rows and columns exchanged."""
    first = [sheet.cell(row, 0) for row in sheet.rows]
    if len(sheet.header) < 3 or not all(map(sheet.is_number, sheet.header[1:])) or all(map(sheet.is_number, first)):
        return sheet
    share = all("%" in name for name in sheet.header[1:])
    rows = tuple((sheet.line, (name, *(sheet.cell(row, i) for row in sheet.rows)))
                 for i, name in enumerate(sheet.header[1:], 1))
    return replace(sheet, header=("percent" if share else IMAGES, *first), rows=rows)


def _of_nothing(sheet: Sheet, columns: Columns, row: Row) -> bool:
    size = columns.share if columns.size is None else columns.size
    return sheet.number(row, size) == 0


def _records(sheet: Sheet, columns: Columns, rows: Iterable[Row]) -> Iterator[tuple[_Key, Record]]:
    share = _per_cent(sheet, columns.share)
    for row in rows:
        label = {name: sheet.cell(row, columns.labels.get(name)) for name in (*NAMING, *POINTS)}
        if not _rises(label["metric"]):
            continue
        category = "" if label["category"].lower() in OVERALL else label["category"]
        images = math.nan if columns.size is None else sheet.number(row, columns.size)
        boxes, seconds = (sheet.number(row, columns.labels[name]) if name in columns.labels else math.nan
                          for name in ("boxes", "seconds"))
        for column in columns.values:
            value, error = sheet.measured(row, column)
            if math.isnan(value):
                continue
            if column in columns.errors:
                error = sheet.number(row, columns.errors[column])
            metric = _metric(label["metric"]) or metric_of(sheet.header[column]) or MAP
            key = _Key(label["curve"], label["dataset"], label["detector"], label["recipe"], category, metric,
                       sheet.header[column])
            percent = sheet.number(row, columns.share) * share if columns.share is not None else math.nan
            if percent > 100:
                raise InputError(f"{sheet.path}:{row[0]}: {percent:g} % is more than the whole; mend the share")
            yield key, Record(row[0], images, value, error, percent, label["draw"], label["seed"], boxes=boxes,
                              seconds=seconds)


def _per_cent(sheet: Sheet, column: int | None) -> float:
    """Return what makes per cents of a column of shares: 100 where they are fractions of one."""
    if column is None or PER_CENT_WORDS & set(words(sheet.header[column]).split()):
        return 1.0
    cells = sheet.cells(column)
    shares = [sheet.number(row, column) for row in sheet.rows]
    return 1.0 if any("%" in text for text in cells) or not max(shares, default=0) <= 1 else 100.0


def _left_out(sheet: Sheet, columns: Columns) -> list[str]:
    """Say which columns are not read, and that cells say in words that they hold no value."""
    aside = [_called(sheet, i) for i in columns.left_out if sheet.cells(i)]
    notes = [f"columns left out: {', '.join(aside)}"] if aside else []
    empty = [(line, text) for line, cells in sheet.rows for i in columns.values
             if (text := sheet.cell((line, cells), i)) and text.lower() in BLANK]
    if empty:
        line, text = empty[0]
        cells = "1 cell" if len(empty) == 1 else f"{len(empty)} cells"
        notes.append(f"{cells} without a value left out: '{text}' in line {line}" + ", ..." * (len(empty) > 1))
    return notes


def _refuse_mixed_cells(sheet: Sheet, columns: Columns) -> None:
    """Raise InputError where a column has cells with a per cent sign and others that may be fractions."""
    for column in columns.values:
        if in_points(sheet.header[column]) or not any("%" in text for text in sheet.cells(column)):
            continue
        for row in sheet.rows:
            text = sheet.cell(row, column)
            if "%" not in text and 0 < sheet.measured(row, column)[0] <= 1:
                raise InputError(f"{sheet.path}:{row[0]}: column '{sheet.header[column]}': {text} beside cells with a "
                                 "per cent sign; write all in one unit, or give --unit points if it is per cent too")


def _of_classes(sheet: Sheet, found: dict[_Key, list[Record]], per_class: bool) -> dict[_Key, list[Record]]:
    """Return the curves over all classes, unless there are none or classes are asked for."""
    if not found:
        raise InputError(f"{sheet.path}: column '{_value_header(sheet)}' has no values that rise with more images; "
                         "give mAP, or 1 - error")
    if per_class or all(key.category for key in found):
        return found
    return {key: records for key, records in found.items() if not key.category}


def _of_metric(sheet: Sheet, found: dict[_Key, list[Record]], metric: str | None,
               notes: list[str]) -> dict[_Key, list[Record]]:
    """Return the curves that the table calls of `metric`, or else those whose metric it does not tell, as of it."""
    if not metric:
        return found
    metric = _metric(metric)
    named = {key: records for key, records in found.items() if key.metric == metric}
    kept = named or {key: records for key, records in found.items() if key.metric == MAP}
    others = list(dict.fromkeys(key.metric for key in found if key not in kept))
    if not kept:
        raise InputError(f"{sheet.path}: no values of metric '{metric}'; {nearest(metric, others)}")
    if others:
        notes.append(f"curves of other metrics left out: {', '.join(others)}; name one (--metric) to read it")
    if not named:
        notes.append(f"the columns are taken as {metric} (--metric)")
    return {replace(key, metric=metric): records for key, records in kept.items()}


def _value_header(sheet: Sheet) -> str:
    return sheet.header[find_columns(sheet).values[0]]


def _rises(metric: str) -> bool:
    return not FALLING & set(words(metric).split())


def _metric(text: str) -> str:
    return metric_of(text) or text


def _name(key: _Key, found: Iterable[_Key]) -> str:
    """Return a name that no other curve has."""
    columns = len({other.column for other in found})
    alike = [other for other in found if other.name(columns) == key.name(columns)]
    return key.name(columns) + ("" if len(alike) == 1 else f" {key.metric}")


def _labels(key: _Key, found: Iterable[_Key]) -> dict[str, Any]:
    """Return data set and detector: the table's where they name one curve each, else those that the name tells."""
    name = _name(key, found)
    if key.dataset or key.detector:
        pairs = [(other.dataset, other.detector) for other in found]
        unique = key.detector and len(set(pairs)) == len(pairs)
        return {"dataset": key.dataset, "detector": key.detector if unique else name}
    if key.curve or not _is_grid([other.column for other in found]):
        return {"dataset": "", "detector": name}
    dataset, _, detector = key.column.partition("_")
    return {"dataset": dataset, "detector": detector}


def _is_grid(names: Sequence[str]) -> bool:
    """Return whether names are of data sets and detectors, as BDD_a, BDD_b, COCO_a: some share each part."""
    pairs = [name.partition("_") for name in dict.fromkeys(names)]
    return all(rest for *_, rest in pairs) and all(max(Counter(part).values()) > 1 for part in list(zip(*pairs))[::2])


def _size_notes(columns: Columns, whole: float | None) -> tuple[str, Sequence[str]]:
    """Return what sizes are counted in, and what to say of it."""
    if columns.size is not None:
        return IMAGES, ()
    if whole is not None:
        return IMAGES, (f"sizes are per cent of {whole:,.0f} images (--whole)",)
    return PER_CENT, ("sizes are per cent, the table has no image counts; --whole N gives the images at 100 %",)


def _called(sheet: Sheet, column: int) -> str:
    return sheet.header[column] or f"column {column + 1}, which has no name"
