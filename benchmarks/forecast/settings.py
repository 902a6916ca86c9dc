"""What the default would score had its settings been chosen without the curves that it is scored on.

Leave one group out: a regime's settings are chosen, from a small grid, for the least error on the other groups that it
serves; the group left out is then forecast with them. Groups count by their error over that of the frozen default, so
that points of mAP and errors of logarithms can be averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from benchmarks.evaluation.table import table
from benchmarks.forecast.detection import MACRO
from benchmarks.forecast.goals import Goal
from benchmarks.forecast.panel import (
    PUBLISHED,
    TRANSLATION,
    PanelCurve,
    detection_panel,
    published_curves,
    scaling_curves,
)
from predict.forecaster import BENDING, SLOW, BayesianPowerLaw, Regime
from predict.scores import rmsle

EXPONENTS = {BENDING: (0.5, 0.65, 0.8), SLOW: (0.07, 0.1, 0.15)}
FLOORS = {BENDING: ((1.0, 1.0), (2, 1.1), (2.0, 2.0)), SLOW: ((1.0, 4.0), (1, 8), (4.0, 8.0))}
DISCREPANCIES = {BENDING: (0.005, 0.01), SLOW: (0.01, 0.015, 0.03)}
SHARES = (5, 10, 20)  # per cent, from which the published four are forecast; 5 is what the panel scores
EVERY = 20  # of a scaling curve's held-out points one in so many is scored

Errors = dict[str, float]  # group -> error: points at 100 %, or hundredths of RMSLE


def settings(rows: list[dict]) -> list[Goal]:
    """Print the error on each group with settings chosen on the others; return the panel's macro mean as a goal."""
    cells: list[tuple[str, ...]] = []
    panel: Errors = {}
    for regime, groups in ((BENDING, _single_iou()), (SLOW, _averaged())):
        scored = {candidate: _errors(groups, _forecaster(regime, candidate)) for candidate in _candidates(regime)}
        frozen = scored[regime]
        for group in frozen:
            chosen = min(scored, key=lambda each: _mean_ratio(scored[each], frozen, without=group))
            cells.append((group, f"{scored[chosen][group]:.2f}", f"{frozen[group]:.2f}", str(chosen.exponent),
                          str(chosen.floor), str(chosen.discrepancy)))
            if mine := [curve for curve in detection_panel() if curve.group == group]:
                panel[group] = _last_error(_forecaster(regime, chosen), mine)
    header = ("group left out", "error", "frozen", "exponent", "floor", "discrepancy")
    print(f"\n{table(header, cells)}\n\nerror: points at 100 % (vision: hundredths of RMSLE), with the settings of its "
          "row, which were chosen without the group; frozen: with the default's; the published four are forecast from "
          f"{', '.join(map(str, SHARES))} %", flush=True)
    print(f"\n{table(('the panel, its curves called', 'macro mean', PUBLISHED), _relabelled())}", flush=True)
    return [Goal("panel, macro mean error, these settings chosen without the group",
                 float(np.mean(list(panel.values()))), high=MACRO)]


def _relabelled() -> list[tuple[str, str, str]]:
    """Return the panel's macro mean error, and that on the published four, with every curve called by one metric."""
    cells = []
    for name in ("as they are", "AP", "AP50"):
        groups: dict[str, list[float]] = {}
        for curve in detection_panel():
            fitted = curve.fitted if name == "as they are" else replace(curve.fitted, metric=name)
            groups.setdefault(curve.group, []).append(_last_error(BayesianPowerLaw(), [replace(curve, fitted=fitted)]))
        means = {group: float(np.mean(errors)) for group, errors in groups.items()}
        cells.append((name, f"{np.mean(list(means.values())):.2f}", f"{means[PUBLISHED]:.2f}"))
    return cells


def _candidates(regime: Regime) -> list[Regime]:
    return [replace(regime, exponent=exponent, floor=floor, discrepancy=discrepancy) for exponent, floor, discrepancy
            in product(EXPONENTS[regime], FLOORS[regime], DISCREPANCIES[regime])]


def _forecaster(regime: Regime, candidate: Regime) -> BayesianPowerLaw:
    """Return the default with one regime exchanged."""
    return BayesianPowerLaw(bends={"AP": candidate}) if regime == SLOW else BayesianPowerLaw(otherwise=candidate)


def _single_iou() -> Mapping[str, Callable[[BayesianPowerLaw], float]]:
    """Return, by group, how a forecaster errs on curves at one IoU and on classification."""
    published = [curve for share in SHARES for curve in published_curves(share)]
    waymo = [curve for curve in detection_panel() if curve.fitted.metric != "AP" and curve.group != PUBLISHED]
    scaling = [curve for curve in scaling_curves() if curve.group != TRANSLATION]
    vision = {group: [curve for curve in scaling if curve.group == group] for group in {c.group for c in scaling}}
    return {PUBLISHED: lambda f: _last_error(f, published), waymo[0].group: lambda f: _last_error(f, waymo)} | {
        group: lambda f, curves=curves: _rmsle(f, curves) for group, curves in sorted(vision.items())}


def _averaged() -> Mapping[str, Callable[[BayesianPowerLaw], float]]:
    """Return, by group, how a forecaster errs on curves of AP."""
    curves = [curve for curve in detection_panel() if curve.fitted.metric == "AP"]
    return {group: lambda f, group=group: _last_error(f, [c for c in curves if c.group == group])
            for group in dict.fromkeys(curve.group for curve in curves)}


def _errors(groups: Mapping[str, Callable[[BayesianPowerLaw], float]], forecaster: BayesianPowerLaw) -> Errors:
    return {group: error(forecaster) for group, error in groups.items()}


def _mean_ratio(errors: Errors, frozen: Errors, without: str) -> float:
    return float(np.mean([errors[group] / frozen[group] for group in errors if group != without]))


def _last_error(forecaster: BayesianPowerLaw, curves: Sequence[PanelCurve]) -> float:
    return 100 * float(np.mean([abs(_medians(forecaster, c, c.observed.images[-1:])[0] - c.truth) for c in curves]))


def _rmsle(forecaster: BayesianPowerLaw, curves: Sequence[PanelCurve]) -> float:
    errors = []
    for curve in curves:
        rows = np.flatnonzero(curve.held_out)[::EVERY]
        errors.append(rmsle(1 - _medians(forecaster, curve, curve.observed.images[rows]),
                            1 - curve.observed.values[rows]))
    return 100 * float(np.mean(errors))


def _medians(forecaster: BayesianPowerLaw, curve: PanelCurve, images: np.ndarray) -> np.ndarray:
    return forecaster.fit(curve.fitted).quantiles(images, [0.5])[0]
