"""Text into cells, and cells into numbers: as spreadsheets of any country write them."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from datasets.errors import InputError
from datasets.files import write_text

Row = tuple[int, tuple[str, ...]]  # line number, cells
DELIMITERS, BLANKS = "\t;,", " "
PROBED = 100  # rows that tell the delimiter
VOTERS = 10_000  # cells by which the decimal mark is told
BLANK = {"", "nan", "null", "none", "na", "n/a", "-", "–", "—"}
ERROR_BAR = re.compile(r"±|\+/?-(?=\s*[\d.,])")
GAP = re.compile(r"(?<=\d)[ \u00a0\u2009\u202f'’](?=\d{3}(?!\d))")  # between thousands
MAGNITUDE = {"k": 1e3, "K": 1e3, "M": 1e6}
PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# a number that can only be read with D as its decimal mark, T being the mark between thousands
CERTAIN = r"[+-]?(\d*D\d{1,2}|\d*D\d{4,}|0?D\d+|\d{4,}D\d+|\d{1,3}(T\d{3})+D\d*)([eE][+-]?\d+)?"
CERTAINLY = {mark: re.compile(CERTAIN.replace("D", re.escape(mark)).replace("T", re.escape(other)))
             for mark, other in (".,", ",.")}


@dataclass(frozen=True)
class Sheet:
    """A table of text: the cells of each row that is not blank, under their header."""

    path: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    line: int = 1  # of the header
    decimal: str = "."

    def cell(self, row: Row, column: int | None) -> str:
        """Return a cell of a row; blank where the row or the table has none."""
        return row[1][column] if column is not None and column < len(row[1]) else ""

    def number(self, row: Row, column: int | None) -> float:
        """Return the number in a cell, nan where it is blank. Raises InputError naming file, line and column."""
        text = self.cell(row, column)
        value = math.nan if text.lower() in BLANK else to_number(text, self.decimal)
        if value is None or column is None:
            comma = " (decimals come after a comma in this table)" if self.decimal == "," else ""
            raise InputError(f"{self.path}:{row[0]}: column '{self.header[column or 0]}': '{text[:80]}' is not a "
                             f"number{comma}; mend the cell or leave it blank")
        return value

    def measured(self, row: Row, column: int) -> tuple[float, float]:
        """Return the number in a cell and the error bar in it, as 9.05 ± 0.16 has; nan for what is not there."""
        text = self.cell(row, column)
        parts = ERROR_BAR.split(text)
        if len(parts) != 2:
            return self.number(row, column), math.nan
        value, error = (to_number(part, self.decimal) for part in parts)
        if value is None or error is None:
            raise InputError(f"{self.path}:{row[0]}: column '{self.header[column]}': '{text[:80]}' is not a number "
                             "with its error bar; write it as 9.05 ± 0.16")
        return value, error

    def cells(self, column: int) -> list[str]:
        """Return the cells of a column that are not blank."""
        return [text for row in self.rows if (text := self.cell(row, column)).lower() not in BLANK]

    def is_number(self, text: str) -> bool:
        """Return whether a cell holds a number, with an error bar or without."""
        parts = ERROR_BAR.split(text)
        return len(parts) <= 2 and all(to_number(part, self.decimal) is not None for part in parts)


def read_sheet(path: str | Path) -> Sheet:
    """Read a table whose cells stand between commas, semicolons, tabs or blanks.

    A first row of nothing but numbers is data: the header is then made up. Raises InputError naming the file for one
    that is missing, no text or has no data, and for a row longer than the header.
    """
    rows = _split(_read(path), path)
    if len(rows) < 2:
        raise InputError(f"{path}: no data rows; expected a header and a row per subset size")
    decimal = _decimal_mark(cell for _, cells in rows for cell in cells)
    (line, header), *rest = rows
    if all(to_number(cell, decimal) is not None for cell in header):
        header, rest = ("size", *(f"column {i}" for i in range(2, len(header) + 1))), rows
    for at, cells in rest:
        if any(cells[len(header):]):
            raise InputError(f"{path}:{at}: {len(cells)} cells under a header of {len(header)}; a number with a comma "
                             'in it needs quotes ("118,287") or semicolons between the columns')
    return Sheet(str(path), header, tuple(rest), line, decimal)


def write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write one row or more as CSV; their keys are the columns."""
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, table.getvalue())


@lru_cache(maxsize=100_000)  # tables repeat themselves
def to_number(text: str, decimal: str = ".") -> float | None:
    """Return the finite number that a cell spells, None where it spells none.

    Per cent signs are left out; 118,287 and 118 287 and 118k are understood, and 12,5 where `decimal` is a comma.
    """
    if decimal == "." and PLAIN.fullmatch(text) and math.isfinite(value := float(text)):
        return value  # nearly all cells
    text = GAP.sub("", text.replace("%", "").strip())
    factor = MAGNITUDE.get(text[-1:], 1)
    digits = text[:-1].strip() if factor > 1 else text
    thousands = "." if decimal == "," else ","
    if thousands in digits:
        if not re.fullmatch(rf"[+-]?\d{{1,3}}(\{thousands}\d{{3}})+(\{decimal}\d*)?", digits):
            return None
        digits = digits.replace(thousands, "")
    digits = digits.replace(decimal, ".")
    value = float(digits) * factor if PLAIN.fullmatch(digits) else math.nan
    return value if math.isfinite(value) else None


def _read(path: str | Path) -> str:
    try:
        data = Path(path).read_bytes()
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; check the path") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; save the table as CSV in UTF-8") from None


def _split(text: str, path: str | Path) -> list[Row]:
    """Return the cells of every row that is not blank."""
    given = re.match(r"sep=(.)\r?\n", text)  # as some spreadsheets begin a file
    try:
        rows = _rows(text, given[1] if given else _delimiter(text))
        return list(rows)[1 if given else 0:]
    except csv.Error as error:
        raise InputError(f"{path}: not a table ({error}); save it as CSV in UTF-8") from None


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    if delimiter == BLANKS:
        text, delimiter = re.sub(" +", "\t", re.sub("^ +| +$", "", text, flags=re.MULTILINE)), "\t"
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    for row in reader:
        cells = tuple(map(str.strip, row))
        if any(cells):
            yield reader.line_num, cells


def _delimiter(text: str) -> str:
    """Return what gives every row the same number of cells, or else what is most frequent in the first one."""
    for mark in (*DELIMITERS, BLANKS):
        lengths = {len(cells) for _, cells in islice(_rows(text, mark), PROBED)}
        if len(lengths) == 1 and lengths != {1}:
            return mark
    first = text.lstrip().partition("\n")[0]
    return max(DELIMITERS, key=first.count)


def _decimal_mark(cells: Iterable[str]) -> str:
    """Return the decimal mark by what most of a table's numbers can only be read with; a point where none tells."""
    marked = islice((cell for cell in cells if "," in cell or "." in cell), VOTERS)
    votes = Counter(mark for cell in marked for part in ERROR_BAR.split(cell)
                    for mark, certain in CERTAINLY.items() if certain.fullmatch(GAP.sub("", part.strip(" %"))))
    return "," if votes[","] > votes["."] else "."
