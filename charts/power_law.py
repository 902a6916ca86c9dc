"""Errors against images on logarithmic axes, with the power laws fitted to them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation

from charts.axes import LEAST, Points, Style, bars, lay_out, multiples, quiet, size_axis, styles, write_caption
from charts.colours import Colour
from charts.labels import short_names

PANEL = (5.4, 3.8)  # inches, without the legend
COLUMNS = 2
LOSS = "loss"  # the one error that can exceed 1
STEPS = ((1,), (1, 2, 5), (1, 2, 3, 5, 7), tuple(range(1, 10)))  # round numbers, ever closer
LINE, BELOW = 0.19, 0.55  # inches: of a detector in a legend, and from the axes to it
SAME = 1.05  # ratio of errors up to which they get an axis as if they differed
TICKS, GAP = 4, 0.4  # an axis has that many labels at least, and no longer part without one


class Errors(Points, Protocol):
    """A detector's error on a data set."""

    @property
    def dataset(self) -> str: ...

    @property
    def detector(self) -> str: ...

    @property
    def quantity(self) -> str: ...


class Exponent(Protocol):
    """A number with its 95 % interval, nan where there is none."""

    @property
    def value(self) -> float: ...

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...


class Law(Protocol):
    """A power law: `at` returns its error at numbers of images, [n] -> [n]."""

    @property
    def beta(self) -> Exponent: ...

    def at(self, images: np.ndarray) -> np.ndarray: ...


def power_law_chart(fits: Sequence[tuple[Errors, Law | None]], note: str, detectors: Sequence[str] = (),
                    alike: Mapping[str, str] | None = None) -> Figure:
    """Draw a panel per data set and error, 80 % bars, the laws as lines with their exponents in the legend.

    A row is a data set, its errors side by side; a single error has its data sets side by side. Panels of one error
    share the ratio of their axes' ends, so that equal exponents are equal slopes. `detectors` come first in the order
    of looks; `alike` maps an error to the one whose panels it shares.
    """
    datasets = list(dict.fromkeys(errors.dataset for errors, _ in fits))
    kinds = {errors.quantity: (alike or {}).get(errors.quantity, errors.quantity) for errors, _ in fits}
    quantities = list(dict.fromkeys(kinds.values()))
    columns = len(quantities) if len(quantities) > 1 else COLUMNS
    groups = {key: [fit for fit in fits if (fit[0].dataset, kinds[fit[0].quantity]) == key and len(fit[0].images)]
              for key in itertools.product(datasets, quantities)}
    panel = (PANEL[0], PANEL[1] + LINE * max(map(len, groups.values()), default=0))
    figure, panels = lay_out(len(groups), columns, panel, 0.5, LEAST)
    names = [*detectors, *(errors.detector for errors, _ in fits)]
    looks, texts, titles = styles(names), short_names(names), short_names(datasets)
    for axes, ((dataset, _), mine) in zip(panels, groups.items()):
        if mine:
            _draw_panel(axes, mine, looks, texts)
            axes.set_title(titles[dataset], loc="left", fontsize=11, fontweight="bold")
    for first, quantity in enumerate(quantities):
        _share_span([axes for axes in panels[first::len(quantities)] if axes.lines],
                    math.inf if quantity == LOSS else 1)
    for axes in panels:
        if not axes.lines:
            axes.remove()
    write_caption(figure, note)
    return figure


def _draw_panel(axes: Axes, drawn: Sequence[tuple[Errors, Law | None]], looks: dict[str, Style],
                texts: Mapping[str, str]) -> None:
    for errors, law in drawn:
        _draw_errors(axes, errors, law, f"{texts[errors.detector]}: {_exponent(law)}", *looks[errors.detector])
    sizes = np.concatenate([errors.images for errors, _ in drawn])
    size_axis(axes, sizes.min() * 0.8, sizes.max() * 1.25, log_x=True)
    low, high = axes.dataLim.intervaly
    if high < low * SAME:  # matplotlib warns of an axis without an extent
        axes.set_ylim(low / SAME, high * SAME)
    axes.set_yscale("log")
    axes.set_xlabel("training images")
    quantities = dict.fromkeys(errors.quantity for errors, _ in drawn)
    axes.set_ylabel(" or ".join("validation loss" if quantity == LOSS else quantity for quantity in quantities))
    quiet(axes)
    below = axes.transAxes + ScaledTranslation(0, -BELOW, axes.figure.dpi_scale_trans)
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below, frameon=False, fontsize=8.5,
                borderaxespad=0)


def _draw_errors(axes: Axes, errors: Errors, law: Law | None, label: str, colour: Colour, marker: str) -> None:
    reach = bars(errors.values, np.maximum(errors.interval_80, 0.05 * errors.values[:, None]))  # no 0 on such an axis
    axes.errorbar(errors.images, errors.values, yerr=reach, fmt=marker, color=colour, markersize=6,
                  markeredgecolor="0.15", markeredgewidth=0.6, elinewidth=1.1, capsize=2.4, clip_on=False,
                  label=label)
    if law:
        axes.plot(errors.images[[0, -1]], law.at(errors.images[[0, -1]]), color=colour, linewidth=1.4, zorder=1)


def _exponent(law: Law | None) -> str:
    if law is None:
        return "one size, no exponent"
    beta = law.beta
    value, low, high = (f"{round(number, 3) + 0:.3f}" for number in (beta.value, beta.low, beta.high))  # no -0.000
    return f"β = {value} ({'no interval' if math.isnan(beta.low) else f'{low} to {high}'})"


def _share_span(panels: Sequence[Axes], most: float) -> None:
    """Give panels axes of the same ratio between their ends, those of errors up to `most` at the highest."""
    for which, top in (("xlim", math.inf), ("ylim", most)):
        spans = [np.log(getattr(axes, f"get_{which}")()) for axes in panels]
        half = max((np.ptp(span) for span in spans), default=0) / 2
        for axes, span in zip(panels, spans):
            middle = min(span.mean(), math.log(top) - half)
            getattr(axes, f"set_{which}")(np.exp([middle - half, middle + half]))
    for axes in panels:
        size_axis(axes, *axes.get_xlim(), log_x=True)
        axes.yaxis.set_major_locator(FixedLocator(_round_values(*axes.get_ylim())))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _round_values(low: float, high: float) -> list[float]:
    """Return round numbers all over the range, rising: in equal steps where it is narrow."""
    for steps in STEPS:
        ticks = multiples(steps, low, high)
        gaps = np.diff(np.log([low, *ticks, high]))
        if len(ticks) >= TICKS and gaps.max() <= GAP * gaps.sum():
            return ticks
    equal = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], min_n_ticks=TICKS).tick_values(low, high)
    return [value for value in equal.round(6).tolist() if low <= value <= high]
