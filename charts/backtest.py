"""Forecasts of a curve's end beside what came: from every prefix, and from one made earlier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from charts.axes import handles_of, lay_out, multiples, quiet, write_caption
from charts.curves import FORECAST, OBSERVED
from charts.labels import short_names
from charts.models import Look, model_looks

COLUMNS = 2
PANEL = (5.0, 3.4)  # inches
CAME = "what came"
NOTE = ("Each mark forecasts the largest size from the subsets up to a share of the data. Bars are 80 % intervals; a "
        "baseline has none.")
ASIDE = 1.05  # factor in the share by which baselines stand beside the forecaster's bar
HALF_AXIS = 3.0  # ratio of either end of an axis of shares to its middle, at least: marks stay beside their bar
ROOM = 0.08  # of the range of what is shown, above and below it
WIDTHS = {95: 2.0, 80: 5.0, 50: 9.0}  # level in per cent -> line width


def backtest_chart(last: pd.DataFrame, models: Sequence[str], baselines: Sequence[str],
                   metrics: Mapping[str, str]) -> Figure:
    """Draw a panel per curve: forecasts of its largest size over the share of the data that they were fitted on.

    `last` has the columns curve, model, fit_up_to (per cent), median, lo-80, hi-80 and truth; values in [0, 1] are
    shown in points. `models` are all that there are, and set their looks: the first, the default, has bars;
    `baselines` are marks. `metrics` are the curves'.
    """
    names = list(dict.fromkeys(last["curve"]))
    titles, looks = short_names(names), model_looks(models)
    figure, panels = lay_out(len(names), COLUMNS, PANEL, 0.9, least=6.4)
    for axes, name in zip(panels, names):
        _draw_panel(axes, last[last["curve"] == name], models[0], {each: looks[each] for each in baselines})
        axes.set_title(titles[name], loc="left", fontsize=11, fontweight="bold")
        axes.set_xlabel("fitted up to, per cent of the data")
        axes.set_ylabel(f"final {metrics[name]}, points")
    found = handles_of(panels)
    figure.legend(found.values(), found.keys(), loc="outside upper left", ncols=min(4, len(found)), frameon=False,
                  fontsize=9)
    write_caption(figure, NOTE)
    return figure


def _draw_panel(axes: Axes, last: pd.DataFrame, default: str, baselines: Mapping[str, Look]) -> None:
    truth = 100 * last["truth"].iloc[0]
    axes.axhline(truth, color=OBSERVED, linewidth=1.2, label=CAME)
    ours = last[last["model"] == default]
    medians = 100 * ours["median"].to_numpy()
    bars = np.abs(100 * ours[["lo-80", "hi-80"]].to_numpy().T - medians)
    axes.errorbar(ours["fit_up_to"], medians, yerr=bars, fmt="o", color=FORECAST, markersize=5.5, capsize=3,
                  label=f"{default}, 80 % interval", zorder=3)
    for place, (name, look) in enumerate(baselines.items()):
        mine = last[last["model"] == name]
        beside = mine["fit_up_to"] * ASIDE ** (place // 2 + 1 if place % 2 else -1 - place // 2)
        axes.plot(beside, 100 * mine["median"], look.marker, color=look.colour, markersize=5,
                  markerfacecolor="white", label=name)
    _share_axis(axes, ours["fit_up_to"].to_numpy())
    quiet(axes)


def _share_axis(axes: Axes, shares: np.ndarray) -> None:
    room = max(1.25, HALF_AXIS / np.sqrt(shares.max() / shares.min()))
    low, high = shares.min() / room, shares.max() * room
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    round_shares = multiples((1, 2, 5), low, high)
    axes.xaxis.set_major_locator(FixedLocator(round_shares if len(shares) > 2 else np.unique(shares)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.3g}"))


def check_chart(rows: pd.DataFrame, metric: str) -> Figure:
    """Draw a line per row: its forecast's median and intervals, and the truth, in points.

    `rows` has the columns curve, images, median, truth and lo- and hi- for each level of WIDTHS, nan where unknown.
    """
    figure, (axes,) = lay_out(1, 1, (7.5, 1.1 + 0.42 * len(rows)), 0.5)
    places, names = np.arange(len(rows))[::-1], short_names(rows["curve"])
    for level, width in WIDTHS.items():
        axes.hlines(places, 100 * rows[f"lo-{level}"], 100 * rows[f"hi-{level}"], color=FORECAST, linewidth=width,
                    alpha=0.35, label=f"{level} % interval")
    axes.plot(100 * rows["median"], places, "o", color=FORECAST, markersize=5.5, label="forecast, median")
    axes.plot(100 * rows["truth"], places, "D", color=OBSERVED, markersize=5.5, markerfacecolor="white", label=CAME)
    axes.set_yticks(places, [f"{names[row.curve]}\n{row.images:,.0f} images" for row in rows.itertuples()], fontsize=8)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.margins(x=ROOM)
    axes.set_xlabel(f"{metric}, points")
    quiet(axes)
    figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    return figure
