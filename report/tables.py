"""Tables of the page, which can be saved as CSV, and how durations are written in them."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from urllib.parse import quote


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
        """The table as CSV; numbers without separators of thousands."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([[_bare(cell) for cell in row]
                                                        for row in (self.header, *self.rows)])
        return out.getvalue()

    @property
    def uri(self) -> str:
        """The CSV as a data: URI."""
        return f"data:text/csv;charset=utf-8,{quote(self.csv)}"


def slug(caption: str) -> str:
    """Return a caption as part of a file's name: its first 60 letters, without what stands in brackets."""
    return re.sub(r"[^\w.%-]+", "_", re.sub(r"\(.*?\)", "", caption)).strip("_.").lower()[:60].rstrip("_.")


def duration(seconds: float) -> str:
    """Return 75 as 1 min 15 s and 3900 as 1 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _bare(cell: str) -> str:
    cell = cell.replace("\u00a0", " ")
    return cell.replace(",", "") if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", cell) else cell
