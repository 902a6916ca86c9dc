"""Learning curves out of tables: a study's results.csv, a column per curve, or a row per point."""

from __future__ import annotations

from pathlib import Path

from predict.tables.columns import metric_of
from predict.tables.curves import IMAGES, LOSS, MAP, PER_CENT, Curve, check_points, place
from predict.tables.plain import metrics_of, read_plain
from predict.tables.rows import read_sheet, write_rows
from predict.tables.tidy import is_tidy, read_tidy
from predict.tables.tidy import metrics_of as tidy_metrics_of
from predict.tables.unit import UNITS

__all__ = ["IMAGES", "LOSS", "MAP", "PER_CENT", "PUBLISHED_2019", "UNITS", "Curve", "check_points", "metric_of",
           "place", "read_curves", "read_metrics", "write_rows"]

PUBLISHED_2019 = Path(__file__).parent.parent / "data" / "published_2019.csv"
DEFAULT_METRIC = "AP"  # of results.csv, which has several


def read_metrics(path: str | Path) -> list[str]:
    """Return the metrics that a table names in a column, as `metric_of` calls them; none for a wide one."""
    sheet = read_sheet(path)
    return tidy_metrics_of(sheet) if is_tidy(sheet) else metrics_of(sheet)


def read_curves(path: str | Path, metric: str | None = None, *, per_class: bool = False, unit: str | None = None,
                whole: float | None = None) -> list[Curve]:
    """Read the curves of a table (docs/tables.md says which go in), per class only when asked.

    Of `metric`: AP in results.csv unless named; in other tables the curves that are of it, or do not tell, and all of
    them where it is None. `unit` ("fraction" or "points") is recognised from the whole table unless given; `whole` is
    the number of images at 100 per cent, for tables that do not tell it.
    Raises InputError naming file, line, curve and remedy for anything that cannot be a learning curve.
    """
    sheet = read_sheet(path)
    if is_tidy(sheet):
        return read_tidy(sheet, metric or DEFAULT_METRIC, per_class, unit, whole)
    return read_plain(sheet, metric, per_class, unit, whole)
