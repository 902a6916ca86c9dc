"""The scaling-law benchmark of Alabdulmohsin et al. 2022, in its own split."""

from __future__ import annotations

import numpy as np

from benchmarks.evaluation.table import table
from benchmarks.forecast.detection import hindcast_panel, panel_rows
from benchmarks.forecast.goals import Goal
from benchmarks.forecast.panel import TRANSLATION, scaling_curves
from predict.audit import score
from predict.backtest import DEFAULT, FORECASTERS
from predict.scores import rmsle

ESTIMATORS = (DEFAULT, "weighted M2", "M2", "M4", "BNSL")
RIVALS, SHARE = ("M4", "BNSL"), 0.6  # the default's mean RMSLE is at most this share of theirs
BANDS = {80: (0.75, 0.88), 95: (0.90, 0.98)}  # level in per cent -> what it should cover


def scaling(rows: list[dict]) -> list[Goal]:
    """Print the RMSLE of errors on the held-out points; return the default's beside the goals."""
    curves = scaling_curves()
    vision = np.array([curve.group != TRANSLATION for curve in curves])
    cells, means, goals = [], {}, []
    for name in (name for name in ESTIMATORS if name in FORECASTERS):
        hindcasts = hindcast_panel(name, curves)
        errors = np.array([rmsle(1 - h.median, 1 - h.truth) for h in hindcasts])
        groups = {group: errors[[curve.group == group for curve in curves]].mean()
                  for group in dict.fromkeys(curve.group for curve in curves)}
        means[name] = errors[vision].mean()
        card = score([h for h, of in zip(hindcasts, vision) if of])
        held = [f"{card.coverage[level].share:.3f} ± {card.coverage[level].stderr:.3f}" if name == DEFAULT else "-"
                for level in BANDS]
        cells.append([name, *(f"{figure:.4f}" for figure in (means[name], *groups.values(), card.crps)), *held])
        rows += panel_rows("scaling", [h for h in hindcasts if name == DEFAULT])
        if name == DEFAULT:
            goals = [Goal(f"scaling-law benchmark, {level} % intervals, 36 vision curves", card.coverage[level].share,
                          *band, note=f" ± {card.coverage[level].stderr:.2g}") for level, band in BANDS.items()]
    header = ("scaling laws, RMSLE", "vision (36)", *groups, "CRPS, vision", "80 % held", "95 % held")
    print(f"\n{table(header, cells)}", flush=True)
    return [Goal(f"scaling-law benchmark, RMSLE / that of {rival}", means[DEFAULT] / means[rival], high=SHARE)
            for rival in RIVALS if rival in means] + goals
