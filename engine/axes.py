"""The settings that a study varies, each with the learning curves of its values: read, compared, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from predict.comparison import Measured, bars_note
from predict.observations import average_repeats
from predict.tables import Curve, read_curves
from study.config import Study
from study.layout import StudyFolder

VOCABULARY = "vocabulary"
Curves = dict[tuple[str, str, str], Curve]  # data set, detector, class -> its curve


@dataclass(frozen=True)
class Axis:
    """A setting that varies, all else alike within each panel."""

    setting: str
    of: str  # the detector or data set that it is a setting of
    panels: dict[str, dict[float, tuple[str, str]]]  # what else there is -> value -> data set and detector


def axes_of(study: Study) -> list[Axis]:
    """Return every setting that varies, with the panels in which it has two values or more."""
    found: dict[tuple[str, str], dict[str, dict[float, tuple[str, str]]]] = {}
    for dataset, detector in product(study.datasets, study.detectors):
        for item, other in ((detector, dataset), (dataset, detector)):
            for setting, value in item.varied.items():
                rest = [f"{key} {held:g}" for key, held in item.varied.items() if key != setting]
                panel = found.setdefault((setting, item.of), {}).setdefault(", ".join([other.name, *rest]), {})
                panel[value] = (dataset.name, detector.name)
    axes = [Axis(*key, {title: panel for title, panel in panels.items() if len(panel) > 1})
            for key, panels in found.items()]
    return [axis for axis in axes if axis.panels]


def draw_axes(study: Study, folder: StudyFolder) -> list[Path]:
    """Draw each setting that varies from results.csv into the study's charts, and return the files.

    What has no results yet is left out, and so is a panel with less than two values.
    """
    axes = axes_of(study)
    if not axes or not folder.results.exists():
        return []
    from charts.save import save_figure
    from charts.vary import Panel, vary_chart

    metric, paths = study.forecast.metric, []
    curves = {(curve.dataset, curve.detector, curve.category): curve
              for curve in read_curves(folder.results, metric, per_class=True) if curve.recipe == study.recipe}
    for axis in axes:
        panels, notes = measure(axis, curves)
        if not panels:
            continue
        drawn = [Panel(title, {value: m.observed for value, m in panel.items()}) for title, panel in panels.items()]
        for log, kind in ((False, "linear"), (True, "log")):
            figure = vary_chart(drawn, axis.setting, metric, " ".join(notes), log=log)
            paths += save_figure(figure, folder.charts / f"axis_{kind}_{axis.setting}_{axis.of}_{metric}")
    return paths


def measure(axis: Axis, curves: Curves) -> tuple[dict[str, dict[float, Measured]], list[str]]:
    """Return the panels of `axis` that have two values with results, and what a reader must know of them.

    Vocabularies are compared on the classes of the smallest: means over other classes would be of other things.
    """
    panels: dict[str, dict[float, Measured]] = {}
    shared: set[str] = set()
    for title, members in axis.panels.items():
        classes = _shared_classes(members, curves) if axis.setting == VOCABULARY else []
        if axis.setting == VOCABULARY:
            found = {value: _mean(curves, *pair, classes) for value, pair in members.items() if classes}
        else:
            found = {value: curves.get((*pair, "")) for value, pair in members.items()}
        known = {value: Measured(curve.dataset, curve.detector, curve, average_repeats(curve))
                 for value, curve in found.items() if curve is not None}
        if len(known) > 1:
            panels[title] = known
            shared |= set(classes)
    notes = [bars_note(m for panel in panels.values() for m in panel.values())] if panels else []
    if shared:
        notes.insert(0, f"Means over the classes that all vocabularies share: {', '.join(sorted(shared))}.")
        notes.append("The errors of classes are taken for independent.")
    return panels, notes


def _shared_classes(members: dict[float, tuple[str, str]], curves: Curves) -> list[str]:
    """Return the classes that every vocabulary with results has a curve for, rising."""
    known = [{category for (*pair, category) in curves if category and tuple(pair) == member}
             for member in members.values()]
    return sorted(set.intersection(*filter(None, known))) if any(known) else []


def _mean(curves: Curves, dataset: str, detector: str, classes: Sequence[str]) -> Curve | None:
    """Return the curve of the mean over `classes` of the runs that have a value for all, None where there are none."""
    if (dataset, detector, classes[0]) not in curves:
        return None
    each = [_by_run(curves[dataset, detector, name]) for name in classes]
    runs = [run for run in each[0] if all(run in values for values in each)]
    if not runs:
        return None
    values = np.array([[of_class[run] for run in runs] for of_class in each])  # [classes, runs, value and stderr]
    first = curves[dataset, detector, classes[0]]
    return Curve(f"{dataset} {detector}", np.array([size for size, _, _ in runs]), values[..., 0].mean(axis=0),
                 np.sqrt(np.square(values[..., 1]).sum(axis=0)) / len(classes), first.metric, dataset, detector,
                 first.recipe, whole=first.whole, draws=tuple(draw for _, draw, _ in runs),
                 seeds=tuple(seed for _, _, seed in runs), source=first.source,
                 interval_80=np.full((len(runs), 2), np.nan))


def _by_run(curve: Curve) -> dict[tuple[float, str, str], tuple[float, float]]:
    """Return value and standard error of every run: size, draw and seed."""
    return dict(zip(zip(curve.images.tolist(), curve.draws, curve.seeds), zip(curve.values, curve.stderr)))
