"""What a setting that varies brings: learning curves, a line per value, and beside them the metric over the value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Protocol

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from charts.axes import MARKERS, Points, bars, lay_out, quiet, size_axis, write_caption
from charts.colours import Colour
from charts.labels import short_names

PANEL = (5.6, 3.6)  # inches, with its legend
VALUES, SIZES = "viridis_r", "YlOrBr"  # light for little, dark for much
LIGHTEST = 0.25  # of a colour map, to be seen on white
LISTED = 12  # lines in a column of the legend
NAMES = {"width": "width", "depth": "depth, layers", "input_size": "input size, pixels", "steps": "training, steps",
         "epochs": "training, epochs", "vocabulary": "vocabulary, classes"}


class Averaged(Points, Protocol):
    """The mean of each size's runs, in [0, 1]."""


@dataclass(frozen=True, eq=False)
class Panel:
    """The values of one setting, all else alike."""

    title: str  # what else there is
    curves: Mapping[float, Averaged]  # value of the setting -> its learning curve


def vary_chart(panels: Sequence[Panel], setting: str, metric: str, note: str, *, log: bool) -> Figure:
    """Draw a row per panel: `metric` in points over images and over the values of `setting`, with 80 % bars.

    A line is darker the larger its value, or its number of images. `log` makes both horizontal axes logarithmic.
    """
    figure, axes = lay_out(2 * len(panels), 2, PANEL, 0.5, sharey=True)
    titles = short_names(panel.title for panel in panels)
    for panel, left, right in zip(panels, axes[::2], axes[1::2]):
        _draw_sizes(left, panel.curves, setting, log)
        _draw_values(right, panel.curves, setting, log)
        left.set_title(titles[panel.title], loc="left", fontsize=11, fontweight="bold")
    for one in axes:  # after all are drawn: they share the scale
        one.set_ylim(0, None)
        one.set_ylabel(f"{metric}, points")
        one.tick_params(labelleft=True)
        quiet(one)
    write_caption(figure, note)
    return figure


def _draw_sizes(axes: Axes, curves: Mapping[float, Averaged], setting: str, log: bool) -> None:
    for value, (colour, marker) in _looks(curves, VALUES).items():
        curve = curves[value]
        _draw_line(axes, curve.images, curve.values, curve.interval_80, colour, marker, f"{value:g}")
    sizes = np.concatenate([curve.images for curve in curves.values()])
    size_axis(axes, sizes.min() * 0.8, sizes.max() * 1.2, log_x=log)
    axes.set_xlabel("training images")
    _write_legend(axes, NAMES[setting].rpartition(", ")[2])


def _draw_values(axes: Axes, curves: Mapping[float, Averaged], setting: str, log: bool) -> None:
    sizes = {float(size) for curve in curves.values() for size in curve.images}
    for size, (colour, marker) in _looks(sizes, SIZES).items():
        found = [(value, int(np.flatnonzero(curves[value].images == size)[0]))
                 for value in sorted(curves) if (curves[value].images == size).any()]
        heights = np.array([curves[value].values[at] for value, at in found])
        interval = np.array([curves[value].interval_80[at] for value, at in found])
        _draw_line(axes, np.array([value for value, _ in found]), heights, interval, colour, marker, f"{size:,.0f}")
    axes.set_xscale("log" if log else "linear")
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(FixedLocator(sorted(curves)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(NAMES[setting])
    _write_legend(axes, "images")


def _draw_line(axes: Axes, x: np.ndarray, values: np.ndarray, interval: np.ndarray, colour: Colour, marker: str,
               label: str) -> None:
    axes.errorbar(x, 100 * values, yerr=bars(100 * values, 100 * interval), color=colour, marker=marker, markersize=5,
                  markeredgecolor="0.15", markeredgewidth=0.5, linewidth=1.4, elinewidth=1.1, capsize=2, label=label)


def _looks(values: Iterable[float], colours: str) -> dict[float, tuple[Colour, str]]:
    """Return colour and marker of each value, rising: the colours from light to dark."""
    ranked = sorted(values)
    scale = matplotlib.colormaps[colours](np.linspace(LIGHTEST, 1, len(ranked)))
    return {value: (tuple(colour[:3]), marker) for value, colour, marker in zip(ranked, scale, cycle(MARKERS))}


def _write_legend(axes: Axes, title: str) -> None:
    """Name the lines beside the panel, the largest on top."""
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8,
                title=title, title_fontsize=8, ncols=1 + (len(labels) - 1) // LISTED)
