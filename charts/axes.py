"""What charts of learning curves share: axes of sizes and of values, and how each detector is drawn."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from itertools import cycle
from typing import Protocol

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from charts.colours import Colour, palette

MARKERS = "osD^vP*X"
Style = tuple[Colour, str]  # colour and marker
NARROW = 4  # ratio of a logarithmic axis's ends up to which it is labelled in equal steps
LEAST = 6.4  # inches of a figure's width, for legend and caption
INCH = 17  # characters of a caption on one


class Points(Protocol):
    """One value per size: images and values float64 [n], and 80 % intervals [n, 2], nan where unknown."""

    @property
    def images(self) -> np.ndarray: ...

    @property
    def values(self) -> np.ndarray: ...

    @property
    def interval_80(self) -> np.ndarray: ...


def lay_out(count: int, columns: int, panel: tuple[float, float], more: float, least: float = 0,
            **shared: bool) -> tuple[Figure, list[Axes]]:
    """Return a figure and its `count` panels, in rows of at most `columns`.

    In inches: `panel` is the width and height of one, `more` the height for legend and caption, `least` the least width
    of the figure. `shared` goes to subplots.
    """
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(max(least, panel[0] * columns), panel[1] * rows + more), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, **shared).ravel().tolist()
    for axes in panels[count:]:
        axes.remove()
    return figure, panels[:count]


def handles_of(panels: Iterable[Axes]) -> dict[str, Artist]:
    """Return one handle per label that occurs in some panel."""
    return {label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels())}


def size_axis(axes: Axes, low: float, high: float, *, log_x: bool) -> None:
    """Show sizes from `low` to `high`, or from 0 on a linear axis."""
    if log_x:
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        narrow = high / low < NARROW
        axes.xaxis.set_major_locator(MaxNLocator(4) if narrow else FixedLocator(round_sizes(low, high)))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.set_xlim(0, None)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(short_size))


def quiet(axes: Axes) -> None:
    """Leave a faint grid and no box."""
    axes.grid(color="0.5", alpha=0.25, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def round_sizes(low: float, high: float) -> list[float]:
    """Return sizes 1, 2, 5, 10, ... within the range; only powers of ten where those are many."""
    return multiples((1, 2, 5) if high / low < 2000 else (1,), low, high)


def multiples(steps: Iterable[float], low: float, high: float) -> list[float]:
    """Return rising `steps` from 1 to below 10 times powers of ten, within the range."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [value for p in powers for s in steps if low <= (value := float(f"{s}e{p}")) <= high]


def bars(values: np.ndarray, interval: np.ndarray) -> np.ndarray | None:
    """Return how far bars reach below and above values [n] for their intervals [n, 2], as errorbar takes it.

    None where no interval is known. A value outside its interval has a bar to one side.
    """
    if np.isnan(interval).all():
        return None
    return np.maximum([values - interval[:, 0], interval[:, 1] - values], 0)


def short_size(images: float, _position: int | None = None) -> str:
    """Return 1500 as 1.5k and 2000000 as 2M."""
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if images >= unit:
            return f"{images / unit:g}{letter}"
    return f"{images:g}"


def styles(detectors: Iterable[str]) -> dict[str, Style]:
    """Return how each detector is drawn."""
    names = list(dict.fromkeys(detectors))
    return {name: (colour, marker) for name, colour, marker in zip(names, palette(len(names)), cycle(MARKERS))}


def write_caption(figure: Figure, text: str) -> None:
    """Write `text` under a figure, in lines as wide as it."""
    lines = [textwrap.fill(line, int(INCH * figure.get_figwidth())) for line in text.splitlines()]
    figure.supxlabel("\n".join(lines).replace("$", r"\$"), x=0.01, ha="left", fontsize=8)
