"""Curve models side by side: their curves through the small subsets, and their errors at the largest size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from charts.axes import handles_of, lay_out, quiet, size_axis, styles, write_caption
from charts.curves import HELD_OUT, MEASURED, OBSERVED, TRUTH, LearningCurve
from charts.labels import plain, short_names
from charts.models import model_looks

COLUMNS = 2
PANEL = (5.0, 3.6)  # inches
ROOM = 1.25  # times the largest measured value, as high as a panel reaches
ROW = 0.27  # inches of a model
MOST_MARKS = 8  # curves with a mark of their own
MEAN = "± mean |error|"


def fitted_curves(curves: Sequence[LearningCurve], lines: pd.DataFrame, stops: Mapping[str, float],
                  models: Sequence[str]) -> Figure:
    """Draw a panel per curve: what was measured, and every model fitted to the subsets up to `stops` [curve] images.

    `lines` has the columns curve, model, images and value; values in [0, 1] are shown in points. `models` are all
    that there are, the default first: they set the looks.
    """
    figure, panels = lay_out(len(curves), COLUMNS, PANEL, 0.9, least=7)
    looks, titles = model_looks(models), short_names(curve.name for curve in curves)
    for axes, curve in zip(panels, curves):
        for (model,), line in lines[lines["curve"] == curve.name].groupby(["model"], sort=False):
            axes.plot(line["images"], 100 * line["value"], color=looks[model].colour, linestyle=looks[model].dashes,
                      linewidth=1.7, label=model)
        _draw_measured(axes, curve, stops[curve.name])
        axes.set_title(titles[curve.name], loc="left", fontsize=11, fontweight="bold")
    found = handles_of(panels)
    figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def error_chart(rows: Sequence[Mapping[str, Any]], metric: str, fit_up_to: float) -> Figure:
    """Draw a line per model, in the order of `rows`: its error at the largest size of each curve.

    Rows have model, curve, error and fitted_sizes; errors in [-1, 1] are shown in points, their mean size as a bar
    to both sides. They were fitted up to `fit_up_to` per cent.
    """
    table = pd.DataFrame(rows)
    models, names = list(dict.fromkeys(table["model"])), list(dict.fromkeys(table["curve"]))
    figure, (axes,) = lay_out(1, 1, (7.5, 1.3 + ROW * len(models)), 0.4)
    places = {model: place for place, model in enumerate(models)}
    means = 100 * table["error"].abs().groupby(table["model"]).mean()
    axes.barh([places[model] for model in means.index], 2 * means, left=-means, height=0.62, color="0.88", label=MEAN)
    axes.use_sticky_edges = False  # bars do not end at the axis
    axes.axvline(0, color=OBSERVED, linewidth=1)
    marks = _marks(names)
    texts = short_names(marks)
    for name, (colour, marker) in marks.items():
        mine = table[table["curve"] == name] if len(names) <= MOST_MARKS else table
        axes.plot(100 * mine["error"], mine["model"].map(places), marker, color=colour, markersize=6,
                  markeredgecolor="0.15", markeredgewidth=0.6, label=texts[name])
    axes.set_yticks(range(len(models)), [plain(model) for model in models])
    axes.set_ylim(len(models) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"forecast minus measured {metric} at the largest size, points")
    quiet(axes)
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=9)
    sizes = sorted(set(table["fitted_sizes"]))
    counts = " to ".join(str(size) for size in dict.fromkeys((sizes[0], sizes[-1])))
    write_caption(figure, f"Fitted on {counts} sizes, up to {fit_up_to:g} %.")
    return figure


def _marks(names: Sequence[str]) -> dict[str, tuple[Any, str]]:
    return dict(styles(names)) if len(names) <= MOST_MARKS else {f"{len(names)} curves": ("0.35", "o")}


def _draw_measured(axes: Axes, curve: LearningCurve, stop: float) -> None:
    fitted = curve.images <= stop
    for rows, face, label in ((fitted, OBSERVED, MEASURED), (~fitted, HELD_OUT, TRUTH)):
        axes.plot(curve.images[rows], 100 * curve.values[rows], "o", color=OBSERVED, markerfacecolor=face,
                  markersize=5.5, label=label, zorder=3)
    size_axis(axes, curve.images[0] * 0.8, curve.images[-1] * 1.15, log_x=True)
    axes.set_ylim(0, 100 * ROOM * np.max(curve.values, initial=0.01))
    axes.set_xlabel("training images")
    axes.set_ylabel(f"{curve.metric}, points")
    quiet(axes)
