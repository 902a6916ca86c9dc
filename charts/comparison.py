"""Detectors side by side: a panel per data set, or per class, and a line per detector."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from charts.axes import LEAST, Points, bars, handles_of, lay_out, quiet, size_axis, styles, write_caption
from charts.colours import Colour
from charts.labels import short_names

PANEL = (5.4, 4.0)  # inches, of a data set
COLUMNS = 2
CLASS_PANEL = (10.6, 1.15)  # inches: all columns together, and the height of a row
CLASS_COLUMNS = (5, 8)  # of at most FEW classes, and of more
FEW, MANY = 20, 120  # classes; beyond MANY every second, third, ... is drawn
LETTERS = 16  # of a class name per inch
Looks = Mapping[str, tuple[Colour, str, str]]  # detector -> colour, marker and what it is called
SHARES = (1, 2, 5, 10, 20, 50, 100)  # per cent, on a logarithmic axis


class Averaged(Points, Protocol):
    """The mean of each size's runs, in [0, 1]."""

    @property
    def whole(self) -> float: ...


class Runs(Protocol):
    """One value per run: images and values float64 [r]."""

    @property
    def images(self) -> np.ndarray: ...

    @property
    def values(self) -> np.ndarray: ...


class Compared(Protocol):
    """A detector on a data set, or on one class of it."""

    @property
    def dataset(self) -> str: ...

    @property
    def detector(self) -> str: ...

    @property
    def metric(self) -> str: ...

    @property
    def category(self) -> str: ...

    @property
    def observed(self) -> Averaged: ...

    @property
    def curve(self) -> Runs: ...


def comparison_chart(curves: Sequence[Compared], note: str, detectors: Sequence[str] = (), *, log_x: bool) -> Figure:
    """Draw mAP in points over images, with 80 % bars and single runs as faint dots; per cent of the whole on top.

    With a linear and a logarithmic axis these are figures 3 and 4 of the study of 2019. `note` says what the bars hold.
    `detectors` come first in the order of looks: charts of the same `detectors` give each the same.
    """
    names = list(dict.fromkeys(curve.dataset for curve in curves))
    figure, panels = lay_out(len(names), COLUMNS, PANEL, 0.6, LEAST, sharey=True)
    looks, titles = _looks(curves, detectors), short_names(names)
    for axes, name in zip(panels, names):
        _draw_dataset(axes, [curve for curve in curves if curve.dataset == name], looks, log_x)
        axes.set_title(titles[name], loc="left", fontsize=11, fontweight="bold")
    for axes in panels:
        axes.set_ylim(0, None)
        axes.tick_params(labelleft=True)
    _write_legend(figure, panels)
    write_caption(figure, note + _runs_note(curves))
    return figure


def class_chart(curves: Sequence[Compared], note: str, detectors: Sequence[str] = ()) -> Figure:
    """Draw a small panel per class of one data set, the class with the highest value at its largest size first.

    All panels share both axes; the number in a panel is that value, the best detector's.
    """
    best = {}
    for curve in curves:
        best[curve.category] = max(best.get(curve.category, 0.0), float(curve.observed.values[-1]))
    ranked = sorted(best, key=lambda name: (-best[name], name))
    step = math.ceil(len(ranked) / MANY)
    shown = ranked[::step]
    most = CLASS_COLUMNS[len(shown) > FEW]
    width, height = CLASS_PANEL[0] / most, CLASS_PANEL[1] * (1.35 if len(shown) <= FEW else 1)
    figure, panels = lay_out(len(shown), most, (width, height), 1.2, 3 * width)
    columns = min(most, len(shown))
    looks = _looks(curves, detectors)
    titles = short_names(shown, int(LETTERS * figure.get_figwidth() / columns) - 5)
    for axes, name in zip(panels, shown):
        _draw_class(axes, [c for c in curves if c.category == name], looks, titles[name], best[name])
    _align(panels, columns, curves)
    figure.supylabel(f"{curves[0].metric}, points", fontsize=9)
    _write_legend(figure, panels)
    left_out = f"Every {step}. of {len(ranked)} classes, by rank. " if step > 1 else ""
    write_caption(figure, f"Over training images, logarithmic. {left_out}The number is the best detector's value with "
                          f"the most images. {note}{_runs_note(curves)}")
    return figure


def _looks(curves: Sequence[Compared], detectors: Sequence[str]) -> Looks:
    """Return how each detector is drawn and called."""
    names = [*detectors, *(curve.detector for curve in curves)]
    texts = short_names(names)
    return {name: (*style, texts[name]) for name, style in styles(names).items()}


def _draw_dataset(axes: Axes, curves: Sequence[Compared], looks: Looks, log_x: bool) -> None:
    for curve in curves:
        _draw_curve(axes, curve, looks[curve.detector], 4.5)
    sizes = np.concatenate([curve.observed.images for curve in curves])
    size_axis(axes, sizes.min() * 0.8, sizes.max() * 1.2, log_x=log_x)
    metrics = dict.fromkeys(curve.metric for curve in curves)
    axes.set_xlabel("training images")
    axes.set_ylabel(f"{' or '.join(metrics)}, points")
    quiet(axes)
    wholes = {curve.observed.whole for curve in curves}
    if len(wholes) == 1:
        _add_shares(axes, wholes.pop(), log_x)


def _draw_curve(axes: Axes, curve: Compared, look: tuple[Colour, str, str], size: float, line: float = 1.4) -> None:
    colour, marker, text = look
    mean, runs = curve.observed, curve.curve
    several = np.isin(runs.images, [n for n in mean.images if (runs.images == n).sum() > 1])
    axes.plot(runs.images[several], 100 * runs.values[several], "o", color=colour, alpha=0.4, markersize=0.8 * size,
              markeredgewidth=0)
    axes.errorbar(mean.images, 100 * mean.values, yerr=bars(100 * mean.values, 100 * mean.interval_80), color=colour,
                  marker=marker, markersize=size, markeredgecolor="0.15", markeredgewidth=0.1 * size, linewidth=line,
                  elinewidth=0.8 * line, capsize=0.4 * size, label=text)


def _add_shares(axes: Axes, whole: float, log_x: bool) -> None:
    """Write the sizes a second time, in per cent of the whole, over the panel."""
    top = axes.secondary_xaxis("top", functions=(lambda n: 100 * n / whole, lambda share: share * whole / 100))
    top.xaxis.set_major_locator(FixedLocator(SHARES) if log_x else MaxNLocator(6, steps=[1, 2, 5, 10]))
    top.xaxis.set_minor_locator(NullLocator())
    top.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:g} %"))
    top.tick_params(labelsize=8, colors="0.4", length=2)
    top.spines["top"].set_visible(False)


def _draw_class(axes: Axes, curves: Sequence[Compared], looks: Looks, title: str, value: float) -> None:
    for curve in curves:
        _draw_curve(axes, curve, looks[curve.detector], 2.6, 1.0)
    axes.set_title(title, loc="left", fontsize=7, pad=2)
    axes.set_title(f"{100 * value:.0f}", loc="right", fontsize=7, pad=2, color="0.4")
    quiet(axes)


def _align(panels: Sequence[Axes], columns: int, curves: Sequence[Compared]) -> None:
    """Give all panels the same axes, and write values at the left and sizes at the bottom.

    Not matplotlib's sharing: with 80 panels every change of one sets all the others anew, for most of a minute.
    """
    sizes = np.concatenate([curve.observed.images for curve in curves])
    tops = [np.fmax(c.observed.values, c.observed.interval_80[:, 1]).max() for c in curves]
    for position, axes in enumerate(panels):
        size_axis(axes, sizes.min() * 0.7, sizes.max() * 1.4, log_x=True)
        powers = [t for t in axes.get_xticks() if math.log10(t) % 1 == 0]
        if len(powers) > 1:
            axes.xaxis.set_major_locator(FixedLocator(powers))
        axes.set_ylim(0, max(1, 104 * max(tops)))
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        axes.tick_params(labelsize=7, length=2, labelbottom=position >= len(panels) - columns,
                         labelleft=position % columns == 0)


def _runs_note(curves: Sequence[Compared]) -> str:
    repeated = any(len(curve.curve.images) > len(curve.observed.images) for curve in curves)
    return " Faint dots are single runs." if repeated else ""


def _write_legend(figure: Figure, panels: Sequence[Axes]) -> None:
    found = handles_of(panels)
    figure.legend(found.values(), found, loc="outside upper left", ncols=min(2, len(found)), frameon=False, fontsize=9)
