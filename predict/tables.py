"""Learning curves out of tables: a study's results.csv, the wide table of 2019, two columns of a spreadsheet."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from datasets.errors import InputError, nearest
from datasets.files import write_text

PUBLISHED_2019 = Path(__file__).parent / "data" / "published_2019.csv"
TIDY_COLUMNS = ("dataset", "detector", "images", "metric", "class", "value")
NUMBERS = ("images", "value", "stderr", "fraction", "low_80", "high_80")  # columns of numbers, the last four optional
LOSS = "loss"  # the one metric that is no share of something


@dataclass(frozen=True, eq=False)
class Curve:
    """What a table says about one learning curve; a size may occur several times (draws, seeds)."""

    name: str
    images: np.ndarray  # float64 [n], positive
    values: np.ndarray  # float64 [n], in [0, 1]; a loss is 0 or more
    stderr: np.ndarray  # float64 [n], nan where the table has none
    metric: str = "mAP"
    dataset: str = ""
    detector: str = ""
    recipe: str = ""
    category: str = ""  # a class name; empty is the mean over classes
    whole: float = 0.0  # images at 100 per cent, as far as the table tells
    notes: tuple[str, ...] = ()  # what was done to the table on reading it
    draws: tuple[str, ...] = ()  # [n], of each value; empty where the table does not tell draws and seeds apart
    seeds: tuple[str, ...] = ()  # [n]
    interval_80: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))  # float64 [n, 2], nan where unknown


@dataclass(frozen=True)
class _Record:
    """One measured value, and the line of the file it stands in."""

    line: int
    images: float
    value: float
    stderr: float = math.nan
    percent: float = math.nan
    draw: str = ""
    seed: str = ""
    low_80: float = math.nan
    high_80: float = math.nan


def read_metrics(path: str | Path) -> list[str]:
    """Return the metrics that results.csv has values of, in its order; none for a wide table, which does not say."""
    rows = _read_rows(path)
    if not _is_tidy(rows, path):
        return []
    cells = [dict(zip(rows[0][1], row)) for _, row in rows[1:]]
    return list(dict.fromkeys(row["metric"] for row in cells if row.get("value")))


def read_curves(path: str | Path, metric: str = "AP", *, per_class: bool = False,
                unit: str | None = None) -> list[Curve]:
    """Read every curve of a table. In results.csv: those of `metric`, per class only when asked.

    `unit` ("fraction" or "points") of a wide table's values is recognised from the whole table unless given.
    Raises InputError naming file and line for anything that cannot be a learning curve.
    """
    rows = _read_rows(path)
    if _is_tidy(rows, path):
        return _tidy_curves(rows, path, metric, per_class)
    return _wide_curves(rows, path, unit)


def write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write one row or more as CSV; their keys are the columns."""
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, table.getvalue())


def _read_rows(path: str | Path) -> list[tuple[int, list[str]]]:
    """Return (line number, cells) of every row that is not blank, the header first."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; check the path") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; save the table as CSV in UTF-8") from None
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count))
    rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise InputError(f"{path}: no data rows; expected a header and a row per subset size")
    return rows


def _is_tidy(rows: list[tuple[int, list[str]]], path: str | Path) -> bool:
    """Tell results.csv from a wide table. Raises InputError for a results.csv that lacks a column."""
    line, header = rows[0]
    missing = [name for name in TIDY_COLUMNS if name not in header]
    if 0 < len(missing) < len(TIDY_COLUMNS) / 2:
        raise InputError(f"{path}:{line}: no column {', '.join(map(repr, missing))}; add it: a table of results "
                         f"has {', '.join(TIDY_COLUMNS)}, as a study writes them into results.csv")
    return not missing


def _tidy_curves(rows: list[tuple[int, list[str]]], path: str | Path, metric: str, per_class: bool) -> list[Curve]:
    header = rows[0][1]
    wanted, metrics, valued = {}, set(), set()
    for line, cells in rows[1:]:
        row = dict(zip(header, cells))
        metrics.add(row["metric"])
        if (row["class"] and not per_class) or not row.get("value"):
            continue
        valued.add(row["metric"])
        if row["metric"] != metric:
            continue
        key = (row["dataset"], row["detector"], row.get("recipe", ""), row["class"])
        wanted.setdefault(key, []).append(_tidy_record(row, path, line))
    if not wanted and metric in metrics:
        raise InputError(f"{path}: {metric} is empty in every row{'' if per_class else ' over all classes'}; "
                         f"metrics with values: {', '.join(sorted(valued)) or 'none'}")
    if not wanted:
        raise InputError(f"{path}: no values of metric '{metric}'; {nearest(metric, valued)}")
    several = len({key[2] for key in wanted}) > 1
    return [_curve(_tidy_name(key, several), records, path, metric=metric, dataset=key[0], detector=key[1],
                   recipe=key[2], category=key[3], draws=tuple(r.draw for r in records),
                   seeds=tuple(r.seed for r in records)) for key, records in wanted.items()]


def _tidy_name(key: tuple[str, str, str, str], several_recipes: bool) -> str:
    dataset, detector, recipe, category = key
    return " ".join(part for part in (dataset, detector, recipe if several_recipes else "", category) if part)


def _tidy_record(row: dict[str, str], path: str | Path, line: int) -> _Record:
    number = {name: _number(row.get(name, ""), path, line, name) for name in NUMBERS}
    return _Record(line, number["images"], number["value"], number["stderr"], number["fraction"],
                   row.get("draw", ""), row.get("seed", ""), number["low_80"], number["high_80"])


def _wide_curves(rows: list[tuple[int, list[str]]], path: str | Path, unit: str | None) -> list[Curve]:
    """A column of sizes, then one column of values per curve; the sizes are the column that speaks of images."""
    line, header = rows[0]
    if all(_is_number(cell) for cell in header):
        rows, header = [(line, []), *rows], ["images", *(f"column {i}" for i in range(2, len(header) + 1))]
    sizes, shares = _size_columns(header)
    names = [i for i in range(len(header)) if i not in (sizes, *shares) and header[i]]
    if not names:
        raise InputError(f"{path}: no column of values beside '{header[sizes]}'; give one column per curve")
    measured = [row for row in rows[1:] if _number(_cell(row[1], sizes), path, row[0], header[sizes]) != 0]
    notes = ("the row of 0 images was dropped: it was not measured",) if len(measured) < len(rows) - 1 else ()
    columns = {header[i]: list(_column(measured, header, i, sizes, shares, path)) for i in names}
    scale, said = _unit_scale([r.value for records in columns.values() for r in records], unit, path)
    return [_curve(name, [_rescale(r, scale) for r in records], path, dataset=name.partition("_")[0],
                   detector=name.partition("_")[2], notes=notes + said) for name, records in columns.items()]


def _size_columns(header: list[str]) -> tuple[int, list[int]]:
    """Return the column that holds sizes, and those that hold the same as a share of the whole."""
    lower = [name.lower() for name in header]
    shares = [i for i, name in enumerate(lower) if "percent" in name or "fraction" in name or name == "%"]
    images = [i for i, name in enumerate(lower) if "image" in name and i not in shares]
    return (images or [0])[0], shares


def _column(rows: Iterable[tuple[int, list[str]]], header: list[str], column: int, sizes: int, shares: list[int],
            path: str | Path) -> Iterator[_Record]:
    for line, cells in rows:
        value = _number(_cell(cells, column), path, line, header[column])
        if math.isnan(value):
            continue
        percent = _number(_cell(cells, shares[0]), path, line, header[shares[0]]) if shares else math.nan
        yield _Record(line, _number(_cell(cells, sizes), path, line, header[sizes]), value, percent=percent)


def _unit_scale(values: list[float], unit: str | None, path: str | Path) -> tuple[float, tuple[str, ...]]:
    """Return the factor that makes the values fractions, and what to say about it."""
    largest = max(values, default=0.0)
    if unit is None and 1 < largest <= 2:
        raise InputError(f"{path}: the largest value is {largest:g}; give --unit fraction or --unit points")
    if unit == "points" or (unit is None and largest > 1):
        return 0.01, ("the values were read as points, 0 to 100",)
    return 1.0, ()


def _rescale(record: _Record, scale: float) -> _Record:
    return replace(record, value=record.value * scale)


def _curve(name: str, records: list[_Record], path: str | Path, **labels) -> Curve:
    for r in records:
        if not r.images > 0:
            raise InputError(f"{path}:{r.line}: {name}: the size must be a positive number of images")
        if labels.get("metric") == LOSS and r.value < 0:
            raise InputError(f"{path}:{r.line}: {name}: {r.value:g} is no loss; expected 0 or more")
        if labels.get("metric") != LOSS and not 0 <= r.value <= 1:
            raise InputError(f"{path}:{r.line}: {name}: {r.value:g} is no mAP; expected 0 to 1 (or 0 to 100 points)")
        if r.stderr < 0:
            raise InputError(f"{path}:{r.line}: {name}: a standard error cannot be negative")
        if r.low_80 > r.high_80:
            raise InputError(f"{path}:{r.line}: {name}: low_80 lies above high_80; exchange them")
    if not records:
        raise InputError(f"{path}: column '{name}' has no values")
    images, values, stderr = np.array([(r.images, r.value, r.stderr) for r in records]).T
    interval = np.array([(r.low_80, r.high_80) for r in records])
    return Curve(name, images, values, stderr, whole=_whole(records), interval_80=interval, **labels)


def _whole(records: list[_Record]) -> float:
    """Return the images at 100 per cent: told by the largest subset's share where the table has shares."""
    last = max(records, key=lambda r: r.images)
    return last.images * 100 / last.percent if 0 < last.percent < 100 else last.images


def _cell(cells: list[str], column: int) -> str:
    return cells[column] if column < len(cells) else ""


def _number(text: str, path: str | Path, line: int, column: str) -> float:
    """Return the number in a cell, nan where it is blank."""
    if text.lower() in ("", "nan", "null", "none"):
        return math.nan
    if not _is_number(text):
        raise InputError(f"{path}:{line}: column '{column}': '{text}' is not a number")
    return float(text)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
