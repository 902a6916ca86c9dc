"""Curves out of a study's results.csv: a row per run, metric and class, values as fractions."""

from __future__ import annotations

import math
import statistics

from datasets.errors import InputError, nearest
from predict.tables.curves import LOSS, Curve, Record, make_curve
from predict.tables.rows import Row, Sheet

COLUMNS = ("dataset", "detector", "images", "metric", "class", "value")
NUMBERS = ("images", "value", "stderr", "fraction", "low_80", "high_80", "boxes", "seconds")  # the last six optional
RUNS = ("draw", "seed")
CLASS_BOXES = "class_boxes"  # in the subset, of the class of the row
MARK = "recipe"  # a column that only results.csv has: where it stands, a missing one is a mistake
KNOWN = {*COLUMNS, *NUMBERS, *RUNS, CLASS_BOXES, MARK}


def is_tidy(sheet: Sheet) -> bool:
    """Tell results.csv from other tables. Raises InputError for a results.csv that lacks a column or has one twice."""
    missing = [name for name in COLUMNS if name not in sheet.header]
    if 0 < len(missing) < len(COLUMNS) / 2 and MARK in sheet.header:
        raise InputError(f"{sheet.path}:{sheet.line}: no column {', '.join(map(repr, missing))}; add it: a table of "
                         f"results has {', '.join(COLUMNS)}, as a study writes them into results.csv")
    if missing:
        return False
    if twice := [name for name in sheet.header if name in KNOWN and sheet.header.count(name) > 1]:
        raise InputError(f"{sheet.path}:{sheet.line}: two columns are called '{twice[0]}'; rename one")
    return True


def metrics_of(sheet: Sheet) -> list[str]:
    """Return the metrics that the table has values of, in its order."""
    metric, value = _places(sheet, "metric", "value")
    return list(dict.fromkeys(sheet.cell(row, metric) for row in sheet.rows if sheet.cell(row, value)))


def read_tidy(sheet: Sheet, metric: str, per_class: bool, unit: str | None, whole: float | None) -> list[Curve]:
    """Return the curves of `metric`, per class only when asked. Raises InputError naming file and line."""
    wanted, metrics, valued = {}, set(), set()
    named = _places(sheet, "metric", "value", "class")
    keys = _places(sheet, "dataset", "detector", MARK, "class")
    for row in sheet.rows:
        found, value, category = (sheet.cell(row, column) for column in named)
        metrics.add(found)
        if (category and not per_class) or not value:
            continue
        valued.add(found)
        if found == metric:
            wanted.setdefault(tuple(sheet.cell(row, column) for column in keys), []).append(row)
    if not wanted and metric in metrics:
        raise InputError(f"{sheet.path}: {metric} is empty in every row{'' if per_class else ' over all classes'}; "
                         f"metrics with values: {', '.join(sorted(valued)) or 'none'}")
    if not wanted:
        raise InputError(f"{sheet.path}: no values of metric '{metric}'; {nearest(metric, valued)}")
    boxes = _boxes_in_an_image(sheet)
    several = len({key[2] for key in wanted}) > 1
    places = {name: i for i, name in enumerate(sheet.header)}
    records = {key: [_record(sheet, row, places) for row in rows] for key, rows in wanted.items()}
    points = unit == "points" and metric != LOSS and max(r.value for some in records.values() for r in some) > 1
    divisor = 100.0 if points else 1.0
    notes = ("values are points, 0 to 100 (--unit points)",) if divisor > 1 else ()
    runs = bool(set(RUNS) & set(sheet.header))
    return [make_curve(_name(key, several), [r.divided(divisor) for r in some], sheet.path, whole=whole,
                       divisor=divisor, notes=notes, runs=runs, class_boxes=boxes.get((key[0], key[3]), math.nan),
                       metric=metric, dataset=key[0], detector=key[1], recipe=key[2], category=key[3])
            for key, some in records.items()]


def _boxes_in_an_image(sheet: Sheet) -> dict[tuple[str, str], float]:
    """Return the boxes in an image by data set and class, that of the median class for "" (no class)."""
    if CLASS_BOXES not in sheet.header:
        return {}
    dataset, category, images, boxes = _places(sheet, "dataset", "class", "images", CLASS_BOXES)
    found: dict[str, dict[str, list[float]]] = {}
    for row in sheet.rows:
        name = sheet.cell(row, category)
        if name and sheet.cell(row, boxes):
            mean = sheet.number(row, boxes) / sheet.number(row, images)
            found.setdefault(sheet.cell(row, dataset), {}).setdefault(name, []).append(mean)
    means = {(data, name): statistics.fmean(each) for data, classes in found.items() for name, each in classes.items()}
    return means | {(data, ""): statistics.median(means[data, name] for name in classes)
                    for data, classes in found.items()}


def _places(sheet: Sheet, *names: str) -> list[int | None]:
    """Return the places of columns; None for those that the table lacks."""
    return [sheet.header.index(name) if name in sheet.header else None for name in names]


def _name(key: tuple[str, str, str, str], several_recipes: bool) -> str:
    dataset, detector, recipe, category = key
    return " ".join(part for part in (dataset, detector, recipe if several_recipes else "", category) if part)


def _record(sheet: Sheet, row: Row, places: dict[str, int]) -> Record:
    number = {name: sheet.number(row, places[name]) if name in places else math.nan for name in NUMBERS}
    draw, seed = (sheet.cell(row, places.get(name)) for name in RUNS)
    return Record(row[0], number["images"], number["value"], number["stderr"], number["fraction"], draw, seed,
                  number["low_80"], number["high_80"], number["boxes"], number["seconds"])
