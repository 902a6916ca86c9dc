"""A table of prevalence as text for a terminal."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

import pandas as pd

from datasets.prevalence.count import column_name, largest_subset, validation_set
from datasets.prevalence.shift import CONFIDENCE, distance, shift, significant

WIDTH = 120  # columns of a terminal
SPARED = 24  # columns for a name in a sentence, or before numbers are abbreviated in its favour
LISTED = 10  # sentences about classes, at most
SIZES = ("small", "medium", "large")


def describe(table: pd.DataFrame) -> str:
    """Return what a table of `tabulate` says: the whole, the subsets side by side, and the shift to validation."""
    sections = [_headline(table), _whole(table)]
    if len(_columns(table)) > 1:
        sections.append(_side_by_side(table))
    sections.append("\n".join(_lacking(table)))
    if len(validation_set(table)):
        sections.append("\n".join(describe_shift(table)))
    return "\n\n".join(section for section in sections if section)


def describe_shift(table: pd.DataFrame) -> list[str]:
    """Return sentences on how validation differs from training. The table has a validation set."""
    measured, chance = distance(table)
    lines = [] if math.isnan(measured) else [
        f"The mixes of boxes in training and validation lie {measured:.3f} apart; chance alone: about {chance:.3f} "
        "(total variation\ndistance: 0 the same mix, 1 no class in common)."]
    shifts, images = shift(table), validation_set(table)["subset"].iloc[:1].sum()
    found = [row for row, strange in zip(shifts.to_dict("records"), significant(shifts)) if strange]
    found.sort(key=lambda row: -max(row["low"], 1 / row["high"]))
    lines += [_sentence(row, images) for row in found[:LISTED]]
    if len(found) > LISTED:
        lines.append(f"The same holds of {len(found) - LISTED} more classes, marked with a star.")
    return lines + ([] if len(found) else ["No class is more or less frequent in validation than chance explains."])


def shorten(text: str, width: int) -> str:
    """Return `text` in at most `width` columns of a terminal, its middle left out where it is longer."""
    head, tail = ("".join(c if c.isprintable() else "?" for c in part) for part in (text[:width + 1], text[-width:]))
    if columns_of(head) <= width:
        return head
    while columns_of(head) + 1 + columns_of(tail) > width:
        head, tail = (head[:-1], tail) if columns_of(head) > columns_of(tail) else (head, tail[1:])
    return f"{head}…{tail}"


def columns_of(text: str) -> int:
    """Return how many columns a terminal takes for `text`: two for East Asian wide characters, none for accents."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _headline(table: pd.DataFrame) -> str:
    parts = []
    for rows, what in ((largest_subset(table), "training"), (validation_set(table), "validation")):
        if len(rows):
            subset = f" ({rows['fraction'].iloc[0]:g} %)" if rows["fraction"].iloc[0] < 100 else ""
            parts.append(f"{rows['subset'].iloc[0]:,} {what} images{subset} with {rows['boxes'].sum():,} boxes")
    return f"{', '.join(parts)}; classes: {len(largest_subset(table))}"


def _whole(table: pd.DataFrame) -> str:
    """Return a row per class of the largest training subset, beside its share of the validation images."""
    rows = largest_subset(table)
    cells = [["", "boxes", "images", *SIZES, "of train"]]
    cells += [[row["class"], f"{row['boxes']:,}", f"{row['images']:,}",
               *(_percent(row[size], row["boxes"]) for size in SIZES), _percent(row["images"], row["subset"])]
              for row in rows.reset_index().to_dict("records")]
    total, *of_size = rows[["boxes", *SIZES]].to_numpy().sum(axis=0).tolist()
    cells += [["total", f"{total:,}", "", *(_percent(boxes, total) for boxes in of_size), ""]]
    lines = ["small: boxes below 32 x 32 pixels; large: from 96 x 96; of train: share of the images with the class"]
    if len(validation_set(table)):
        shifts = shift(table).to_dict("records")
        extra = [["of validation", "ratio"], *([_percent(s["validation"], 1), _ratio(s)] for s in shifts), ["", ""]]
        cells = [left + right for left, right in zip(cells, extra)]
        lines += ["ratio: of validation over of train, with intervals that all hold in "
                  f"{100 * CONFIDENCE:g} of 100 cases; *: it leaves out 1"]
    return "\n".join([_align(cells), "", *lines])


def _side_by_side(table: pd.DataFrame) -> str:
    """Return the boxes of every class in every subset and in validation, abbreviated where they would not fit."""
    subsets = {name: rows.set_index("class") for name, rows in _columns(table).items()}
    boxes = {name: rows["boxes"].to_dict() for name, rows in subsets.items()}
    counts = [["images", *(int(rows["subset"].iloc[0]) for rows in subsets.values())],
              *([name, *(column[name] for column in boxes.values())] for name in largest_subset(table).index),
              ["total", *(sum(column.values()) for column in boxes.values())]]
    full, short = ([["boxes in", *boxes], *([row[0], *map(number, row[1:])] for row in counts)]
                   for number in ("{:,}".format, _abbreviate))
    names, *columns = zip(*full)
    width = min(SPARED, max(map(columns_of, names))) + sum(2 + max(map(len, column)) for column in columns)
    return _align(full if width <= WIDTH else short)


def _lacking(table: pd.DataFrame) -> list[str]:
    """Return a line for every subset that lacks classes."""
    lines = []
    for name, rows in _columns(table).items():
        absent = rows.loc[rows["boxes"] == 0, "class"].tolist()
        if absent:
            line = f"{name} lacks {len(absent)} of {len(rows)} classes: "
            lines.append(line + _list([shorten(n, SPARED) for n in absent], WIDTH - len(line)))
    return lines


def _list(names: Sequence[str], width: int) -> str:
    """Return as many of `names` as `width` columns hold, and how many more there are."""
    for shown in range(len(names), 0, -1):
        rest = f" and {len(names) - shown} more" if shown < len(names) else ""
        text = ", ".join(names[:shown]) + rest
        if columns_of(text) <= width or shown == 1:
            return text
    return ""


def _columns(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of every subset, and of validation, under its name."""
    names = [column_name(split, fraction) for split, fraction in zip(table["split"], table["fraction"])]
    return {str(name): rows for name, rows in table.groupby(names, sort=False)}


def _align(rows: list[list[str]]) -> str:
    """Return rows in columns: the first to the left, names shortened to the WIDTH, the others to the right."""
    widths = [max(map(columns_of, column)) for column in zip(*rows)]
    widths[0] = min(widths[0], max(12, WIDTH - sum(widths[1:]) - 2 * len(widths[1:])))
    lines = []
    for name, *cells in rows:
        name = shorten(name, widths[0])
        padded = [name + " " * (widths[0] - columns_of(name)), *map(str.rjust, cells, widths[1:])]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _sentence(row: dict, images: int) -> str:
    """Return a row of `shift` as a sentence of at most WIDTH columns; `images` are those of the validation set."""
    name = shorten(row["class"], SPARED)
    if row["train"] == 0:
        return f"{name}: in {row['validation'] * images:.0f} validation images and in no training image."
    if row["validation"] == 0:
        return f"{name}: in no validation image, where the training set would give {row['train'] * images:.0f}."
    return (f"The validation set has {_times(row['ratio'])} times ({_times(row['low'])}-{_times(row['high'])}) as many "
            f"images of {name} as the training set would give.")


def _ratio(row: dict) -> str:
    if math.isnan(row["ratio"]):
        return "-  "
    star = "*" if row["low"] > 1 or row["high"] < 1 else " "
    if row["ratio"] == 0:
        return f"< {_times(row['high'])} {star}"
    if math.isinf(row["ratio"]):
        return f"> {_times(row['low'])} {star}"
    return f"{_times(row['ratio'])} ({_times(row['low'])}-{_times(row['high'])}) {star}"


def _times(ratio: float) -> str:
    return f"{ratio:.2f}" if 0.1 <= ratio < 10 else f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1g}"


def _percent(part: float, whole: float) -> str:
    """Return a share in per cent, 0 only where it is 0; a dash where there is no whole."""
    if not whole:
        return "-"
    return "<0.1 %" if 0 < part < 0.0005 * whole else f"{100 * part / whole:.1f} %"


def _abbreviate(number: int) -> str:
    """Return 9999 as 9,999 and 12345 as 12.3k."""
    if number < 10_000:
        return f"{number:,}"
    if number < 999_500:
        return f"{number / 1e3:.{1 if number < 99_950 else 0}f}k"
    return f"{number / 1e6:.{2 if number < 9_995_000 else 1}f}M"
