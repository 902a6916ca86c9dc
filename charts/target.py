"""How likely a target is reached, over the number of training images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from charts.axes import LEAST, Style, lay_out, quiet, short_size, size_axis, styles, write_caption
from charts.colours import Colour
from charts.labels import plain, short_names

PANEL = (6.4, 3.6)  # inches
COLUMNS = 2
EVER = 0.9  # chance below which it is written at the line's end
FEW = 4  # curves in a panel, up to which numbers stand at their lines
TOP = 104  # per cent: the axis ends there, or above diamonds
GAP = 6  # per cent of the axis, between diamonds and what is written at lines' ends
WIDTH = 0.03  # of a diamond, as a part of the axis
LEVELS = (10, 50, 90)  # per cent: the median, and between the others 80 %


@dataclass(frozen=True, eq=False)
class Reach:
    """How likely one curve has reached a target."""

    name: str
    images: np.ndarray  # float64 [n], rising
    chance: np.ndarray  # float64 [n], in [0, 1]
    median: float  # images, inf where the target is out of reach
    ever: float  # chance that any number of images reaches it
    measured: float  # images at which it was measured, nan where it was not
    forecast: bool = True  # False where the measurement answers


def target_chart(panels: Mapping[str, Sequence[Reach]]) -> Figure:
    """Draw a panel per target, titled by it: a line per curve, with the images that reach it at even odds.

    Of more than FEW curves numbers are left to the table.
    """
    figure, axes = lay_out(len(panels), COLUMNS, PANEL, 1.0, LEAST)
    names = [reach.name for reaches in panels.values() for reach in reaches]
    looks, texts = styles(names), short_names(names)
    for each, (title, reaches) in zip(axes, panels.items()):
        _draw_panel(each, title, reaches, looks)
    handles = [Line2D([], [], color=colour, marker=marker, markersize=6, markeredgecolor="0.15", linewidth=1.8,
                      label=texts[name]) for name, (colour, marker) in looks.items()]
    figure.legend(handles=handles, loc="outside upper left", ncols=2, frameon=False, fontsize=9)
    numbers = "" if len(looks) > FEW else "Ever: with as many images as a forecast can speak of. "
    write_caption(figure, "A line crosses 50 % at the median forecast, 10 and 90 % at the ends of the 80 % interval. "
                          f"{numbers}Diamonds, above: reached as measured.")
    return figure


def _draw_panel(axes: Axes, title: str, reaches: Sequence[Reach], looks: Mapping[str, Style]) -> None:
    sizes = np.concatenate([reach.images for reach in reaches])
    size_axis(axes, sizes.min(), sizes.max(), log_x=True)
    numbers = len(reaches) <= FEW
    for reach in reaches:
        colour, marker = looks[reach.name]
        if reach.forecast:
            axes.plot(reach.images, 100 * reach.chance, color=colour, linewidth=1.8)
            _mark(axes, reach, colour, marker, numbers)
    top = _draw_measured(axes, reaches, looks, numbers)
    if numbers:
        _write_ends(axes, reaches)
    axes.set_ylim(0, top)
    axes.yaxis.set_major_locator(FixedLocator([0, *LEVELS, 100]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_title(plain(title), loc="left", fontsize=11, fontweight="bold")
    axes.set_xlabel("training images")
    axes.set_ylabel("chance that it is reached, %")
    quiet(axes)


def _mark(axes: Axes, reach: Reach, colour: Colour, marker: str, number: bool) -> None:
    """Mark the median."""
    if np.isfinite(reach.median):
        axes.plot([reach.median], [50], marker, color=colour, markersize=6, markeredgecolor="0.15", zorder=3)
        if number:
            _write(axes, _short(reach.median), reach.median, 50, (7, -10))


def _draw_measured(axes: Axes, reaches: Sequence[Reach], looks: Mapping[str, Style], numbers: bool) -> float:
    """Draw where the target was reached as measured, over 100 % and none on another; return where the axis ends."""
    near = np.ptp(np.log(axes.get_xlim())) * WIDTH
    rows: list[float] = []  # logarithm of the size of the last diamond of each, from the lowest
    for reach in sorted(reaches, key=lambda reach: reach.measured):
        if not np.isfinite(reach.measured):
            continue
        size = np.log(reach.measured)
        row = next((row for row, last in enumerate(rows) if size - last > near * (1 + 3 * numbers)), len(rows))
        rows[row:row + 1] = [size]
        height = TOP + row * GAP
        axes.plot([reach.measured], [height], "D", color=looks[reach.name][0], markersize=7, markeredgecolor="0.15",
                  zorder=4, clip_on=False)
        if numbers:
            _write(axes, _short(reach.measured), reach.measured, height, (7, -3))
    return TOP + len(rows) * GAP


def _write_ends(axes: Axes, reaches: Sequence[Reach]) -> None:
    """Write beside the lines where each will end, none over another."""
    height = -GAP
    for reach in sorted(reaches, key=lambda reach: (reach.chance[-1], reach.ever)):
        if reach.forecast and reach.ever < EVER:
            height = max(100 * float(reach.chance[-1]), height + GAP)
            _write(axes, f"{100 * reach.ever:.0f} % ever", reach.images[-1], height, (4, -3))


def _short(images: float) -> str:
    return short_size(float(f"{images:.3g}"))


def _write(axes: Axes, text: str, x: float, y: float, offset: tuple[float, float]) -> None:
    axes.annotate(text, (x, y), offset, textcoords="offset points", fontsize=8, color="0.2", annotation_clip=False)
