"""What a page says of hyperparameters searched at each size: the curve with and without, and what was chosen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from charts.comparison import comparison_chart
from predict.comparison import Measured, bars_note
from predict.observations import Observations, average_repeats
from predict.tables import Curve
from predict.text import points, signed
from report.tables import Table, duration
from study.config import Study, find_detector, find_recipe
from study.layout import SEARCHED
from study.search import OF_DETECTOR

PLAIN = "recipe as it stands"
AXES = LINEAR, LOGARITHMIC = "linear", "logarithmic"  # of images


@dataclass(frozen=True, eq=False)
class SearchedCurve:
    """One detector on one data set, with and without a search at each size."""

    name: str
    charts: dict[str, Figure]  # axis of images -> both curves
    sizes: Table
    settings: Table


def searched_curves(curves: Iterable[Curve], runs: Sequence[dict[str, Any]],
                    study: Study | None) -> list[SearchedCurve]:
    """Return every curve that there is with and without a search; `runs` are the result files."""
    named = {(curve.dataset, curve.detector, curve.recipe): curve for curve in curves if not curve.category}
    pairs = [(plain, searched) for (dataset, detector, recipe), plain in named.items()
             if (searched := named.get((dataset, detector, f"{recipe} {SEARCHED}")))]
    return [_compare(plain, searched, [run for run in runs if _is_of(run, searched)], study)
            for plain, searched in pairs]


def _is_of(run: dict[str, Any], curve: Curve) -> bool:
    cell = run["cell"]
    return (cell["dataset"], cell["detector"], run["recipe"]) == (curve.dataset, curve.detector, curve.recipe)


def _compare(plain: Curve, searched: Curve, runs: Sequence[dict[str, Any]], study: Study | None) -> SearchedCurve:
    name = f"{plain.dataset} {plain.detector}"
    both = [Measured(plain.dataset, title, curve, average_repeats(curve))
            for title, curve in ((PLAIN, plain), (SEARCHED, searched))]
    charts = {axis: comparison_chart(both, bars_note(both), log_x=axis == LOGARITHMIC) for axis in AXES}
    return SearchedCurve(name, charts,
                         _sizes(name, plain.metric, both[0].observed, both[1].observed, runs),
                         _settings(name, plain, runs, study))


def _sizes(name: str, metric: str, plain: Observations, searched: Observations,
           runs: Iterable[dict[str, Any]]) -> Table:
    without, steps = dict(zip(plain.images, _values(plain))), _steps(runs)
    rows = []
    for size, share, value in zip(searched.images, searched.percent, _values(searched)):
        if size in without:
            rows.append([f"{size:,.0f}", f"{share:.3g} %", _with_bar(without[size]), _with_bar(value),
                         signed(value[0] - without[size][0]), steps.get(size, "")])
    return Table(f"{name}: {metric} (points ± standard error) with and without a search at each size",
                 ["images", "share", PLAIN, SEARCHED, "gain", "steps chosen"], rows)


def _values(observed: Observations) -> list[tuple[float, float]]:
    return list(zip(observed.values.tolist(), observed.stderr.tolist()))


def _with_bar(value: tuple[float, float]) -> str:
    return points(value[0]) + (f" ± {points(value[1])}" if value[1] == value[1] else "")


def _steps(runs: Iterable[dict[str, Any]]) -> dict[float, str]:
    found: dict[float, list[int]] = {}
    for run in runs:
        found.setdefault(float(run["images"]), []).append(run["steps"])
    return {size: ", ".join(f"{steps:,}" for steps in sorted(set(each))) for size, each in found.items()}


def _settings(name: str, plain: Curve, runs: Sequence[dict[str, Any]], study: Study | None) -> Table:
    """Return a row per searched run, below the recipe's own: how the best settings move with the size."""
    ordered = sorted(runs, key=lambda run: [run["cell"][key] for key in ("fraction", "draw", "seed")])
    names = list(dict.fromkeys(setting for run in ordered for setting in run["search"]["settings"]))
    rows = [[f"{run['images']:,}", str(run["cell"]["draw"]), str(run["cell"]["seed"]),
             *(_text(run["search"]["settings"].get(setting)) for setting in names),
             f"{run['search']['trial']} of {run['search']['trials']}", points(run["search"]["tuning_ap"]),
             duration(run["search"]["seconds"])]
            for run in ordered]
    if study:
        detector = find_detector(study, plain.detector)
        recipe = find_recipe(study, detector)
        own = [_text(getattr(detector if setting in OF_DETECTOR else recipe, setting)) for setting in names]
        rows.insert(0, [PLAIN, "", "", *own, "", "", ""])
    return Table(f"{name}: settings chosen at each size, by the AP on the tuning split (trial 0 is the {PLAIN})",
                 ["images", "draw", "seed", *(setting.replace("_", " ") for setting in names), "trial", "tuning AP",
                  "all trials took"],
                 rows)


def _text(value: Any) -> str:
    """Return a setting as the study's file would have it."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return value if isinstance(value, str) else "-" if value is None else json.dumps(value)
