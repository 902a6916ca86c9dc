"""Class names as they can be written in a chart, and the rows that charts of many classes share."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from datasets.prevalence.text import shorten

LONGEST = 36  # characters of a class name
ROW, TALLEST = 0.24, 400  # inches: of a class, and of a figure that can still be written


def plain(name: str) -> str:
    """Return a class name of at most LONGEST characters that matplotlib writes as it is, dollar signs too."""
    return shorten(name, LONGEST).replace("$", r"\$")


def class_axes(names: Iterable[str], title: str, rows: int = 0) -> tuple[Figure, Axes]:
    """Return a figure with a row for each of `names`, the first on top, at least as high as `rows` rows."""
    labels = [plain(name) for name in names]
    figure = Figure(figsize=(8, min(TALLEST, 1.5 + ROW * max(len(labels), rows))), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.3, -0.7)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
