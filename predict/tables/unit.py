"""The unit of a table's values, recognised from all of them together: fractions or points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from datasets.errors import InputError

UNITS = ("fraction", "points")


def divisor_of(columns: Mapping[str, Sequence[float]], unit: str | None, said: bool, path: str) -> tuple[float, str]:
    """Return what makes fractions of the values [n] of each curve when they are divided by it, and a note.

    `unit` is what the user says and goes before what the table `said` of points. Above 2 values are points, up to 1
    they are fractions. InputError asks between the two, where one curve stays below 1 while another is above 2, and
    where a table that says points stays below 1 altogether.
    """
    largest = max((value for values in columns.values() for value in values), default=0.0)
    if unit is None:
        _refuse_doubt(columns, largest, said, path)
    if unit == "points" or (unit is None and (said or largest > 1)):
        return 100.0, f"values are points, 0 to 100{_why(unit, said, largest)}"
    remedy = "" if unit else "; --unit points if they are not"
    return 1.0, f"values are fractions, 0 to 1{_why(unit, False, largest)}{remedy}"


def _refuse_doubt(columns: Mapping[str, Sequence[float]], largest: float, said: bool, path: str) -> None:
    if said and 0 < largest <= 1:
        raise InputError(f"{path}: the table says per cent or points, but its largest value is {largest:g}; give "
                         "--unit fraction or --unit points")
    if not said and 1 < largest <= 2:
        raise InputError(f"{path}: the largest value is {largest:g}, which may be a fraction or points; give --unit "
                         "fraction or --unit points")
    low = {name: most for name, values in columns.items() if 0 < (most := max(values, default=0.0)) <= 1}
    if largest > 2 and low:
        name, most = next(iter(low.items()))
        raise InputError(f"{path}: {name} reaches {most:g} while others reach {largest:g}; give --unit points if all "
                         "are points, or write every curve in one unit")


def _why(unit: str | None, said: bool, largest: float) -> str:
    if unit is not None:
        return f" (--unit {unit})"
    return " (as the table says)" if said else f" (the largest is {largest:g})"
