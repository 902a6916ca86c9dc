"""Tables of the page, which can be saved as CSV, and how durations are written in them."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import dataclass, field
from urllib.parse import quote

TO = "\u00a0–\u2060\u00a0"  # between the ends of an interval: no line ends here
LONGEST = 80  # letters of a file's name


@dataclass(frozen=True)
class Table:
    """A table for people; the first column names its rows."""

    caption: str
    header: list[str]
    rows: list[list[str]] = field(repr=False)

    @property
    def file_name(self) -> str:
        """The name under which the table is saved."""
        return f"{slug(self.caption)}.csv"

    @property
    def csv(self) -> str:
        """The table as CSV; numbers without separators of thousands, the rows' names as they are."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([[_plain(name), *map(_bare, cells)]
                                                        for name, *cells in (self.header, *self.rows)])
        return out.getvalue()

    @property
    def uri(self) -> str:
        """The CSV as a data: URI, with the mark by which spreadsheets know UTF-8."""
        return f"data:text/csv;charset=utf-8,{quote(chr(0xFEFF) + self.csv)}"


def slug(caption: str) -> str:
    """Return a caption as a file's name, without what stands in brackets; a long one's end is its hash."""
    name = re.sub(r"[^\w.%-]+", "_", re.sub(r"\(.*?\)", "", caption)).strip("_.").lower()
    return name if len(name) <= LONGEST else f"{name[:LONGEST - 7].rstrip('_.')}_{short_hash(caption)}"


def short_hash(text: str) -> str:
    """Return six letters that stand for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def interval(low: str, high: str) -> str:
    """Return an interval that no line ends within."""
    return f"{low}{TO}{high}"


def duration(seconds: float) -> str:
    """Return 75 as 1 min 15 s and 3900 as 1 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _plain(cell: str) -> str:
    return cell.replace(TO, " to ").replace("\u00a0", " ")


def _bare(cell: str) -> str:
    cell = _plain(cell)
    return cell.replace(",", "") if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", cell) else cell
