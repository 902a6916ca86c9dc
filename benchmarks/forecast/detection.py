"""Detection curves: the published four, and the panel of fourteen in five groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.evaluation.table import table
from benchmarks.forecast.goals import Goal, covers
from benchmarks.forecast.panel import PanelCurve, detection_panel, published_curves
from predict.audit import Hindcast, backtest, hindcast, score
from predict.backtest import DEFAULT, FORECASTERS
from predict.observations import Observations

SHARES = (5, 10, 20)  # per cent of the data, from which the published four are forecast
PUBLISHED_GOALS = {(5, "error"): 1.5, (5, "RMSE"): 1.0, (10, "error"): 0.8, (20, "error"): 0.5}  # points, at most
MACRO, MEDIAN, WIDTH = 2.2, 1.9, 9.0  # points, at most
SMALL = 5.0  # per cent: what the width is measured from


def hindcast_panel(model: str, curves: Sequence[PanelCurve]) -> list[Hindcast]:
    """Forecast every held-out size of each curve from what may be fitted."""
    return [hindcast(model, c.fitted, c.observed.images[c.held_out], c.observed.values[c.held_out]) for c in curves]


def published(rows: list[dict]) -> list[Goal]:
    """Print the errors of every estimator on the published four; return the default's beside their goals."""
    cells: dict[str, list[str]] = {name: [name] for name in FORECASTERS}
    goals = []
    for share in SHARES:
        for name in FORECASTERS:
            hindcasts = hindcast_panel(name, published_curves(share))
            card = score(hindcasts)
            figures = {"error": 100 * card.last_error, "RMSE": 100 * card.rmse}
            cells[name] += [f"{figure:.2f}" for figure in figures.values()]
            rows += panel_rows(f"published, up to {share} %", hindcasts)
            goals += [Goal(f"published four from {share} %, {what}", figures[what], high=PUBLISHED_GOALS[share, what])
                      for what in figures if name == DEFAULT and (share, what) in PUBLISHED_GOALS]
    columns = [f"{what}, {share} %" for share in SHARES for what in ("error", "RMSE")]
    print(f"\n{table(('published four, in points', *columns), _default_first(cells))}\n\nerror: mean absolute error at "
          "100 %; RMSE: over the held-out sizes, mean over curves; both from the sizes up to that share, without a row "
          "of 0 images", flush=True)
    return goals


def panel(rows: list[dict]) -> list[Goal]:
    """Print the errors at 100 % of every estimator on the panel, by group; return the default's beside their goals."""
    curves = detection_panel()
    groups = list(dict.fromkeys(curve.group for curve in curves))
    cells, goals = {}, []
    for name in FORECASTERS:
        hindcasts = hindcast_panel(name, curves)
        errors = 100 * np.array([abs(h.error[-1]) for h in hindcasts])
        crps = 100 * np.array([h.crps[-1] for h in hindcasts])
        means = group_means(errors, curves)
        macro, median = float(np.mean(list(means.values()))), float(np.median(errors))
        cells[name] = [name, *(f"{figure:.2f}" for figure in (
            macro, median, np.mean(list(group_means(crps, curves).values())), *means.values()))]
        rows += panel_rows("panel", hindcasts)
        if name == DEFAULT:
            goals = [Goal("panel, macro mean error of five groups", macro, high=MACRO),
                     Goal("panel, median error of 14 curves", median, high=MEDIAN)]
    header = ["panel, error at 100 % in points", "macro mean", "median", "CRPS", *groups]
    print(f"\n{table(header, _default_first(cells))}\n\nerror: absolute, mean over the curves of a group; CRPS: at "
          "100 %, macro mean; that of an estimator without intervals is its error", flush=True)
    return goals


def intervals(rows: list[dict]) -> list[Goal]:
    """Print how the default's intervals did at every prefix of the panel's curves; return that beside the goals."""
    curves = [curve.observed for curve in detection_panel()]
    hindcasts = [h for curve in curves for h in backtest(curve)]
    rows += panel_rows("every prefix", hindcasts)
    small = [width for curve in curves if (width := final_width(curve.up_to(SMALL), curve))]
    fitted = [width for curve in detection_panel() if (width := final_width(curve.fitted, curve.observed))]
    cells = [_interval_cells("panel", hindcasts)]
    cells += [_interval_cells(f"from {count} sizes", mine) for count in (2, 3)
              if (mine := [h for h in hindcasts if h.fitted_sizes == count])]
    cells += [_interval_cells("from 4 or more", [h for h in hindcasts if h.fitted_sizes > 3])]
    header = (f"{DEFAULT}, every prefix", "forecasts", "50 %", "80 %", "95 %", "width of 80 %", "CRPS")
    print(f"\n{table(header, cells)}\n\n50, 80, 95 %: the share of intervals that held the truth, ± standard error "
          f"with curves as clusters; width of the 80 % interval at 100 %: {np.mean(small):.1f} points from up to "
          f"{SMALL:g} % ({len(small)} curves with two sizes there), {np.mean(fitted):.1f} from what may be fitted "
          f"({len(fitted)} curves)", flush=True)
    held = score(hindcasts).coverage
    return [*(covers(f"panel, {level} % intervals, every prefix and later size", level, held[level])
              for level in (80, 95)),
            Goal(f"panel, width of the 80 % interval at 100 % from {SMALL:g} %", float(np.mean(small)), high=WIDTH)]


def group_means(figures: np.ndarray, curves: Sequence[PanelCurve]) -> dict[str, float]:
    """Return the mean of `figures` [curves] in each group."""
    groups = np.array([curve.group for curve in curves])
    return {group: float(figures[groups == group].mean()) for group in dict.fromkeys(groups.tolist())}


def final_width(fitted: Observations, observed: Observations) -> float | None:
    """Return the width in points of the default's 80 % interval at the largest size; None for one size."""
    if len(fitted) < 2:
        return None
    low, high = FORECASTERS[DEFAULT](fitted).quantiles(observed.images[-1:], [0.1, 0.9])[:, 0]
    return float(100 * (high - low))


def panel_rows(part: str, hindcasts: Sequence[Hindcast]) -> Iterator[dict]:
    """Yield a row per forecast, for forecasts.csv."""
    for h in hindcasts:
        for row in h.rows():
            yield {"part": part} | row


def _interval_cells(name: str, hindcasts: Sequence[Hindcast]) -> list[str]:
    card = score(hindcasts)
    return [name, str(card.forecasts), *(f"{held.share:.2f} ± {held.stderr:.2f}" for held in card.coverage.values()),
            f"{100 * card.width:.1f}", f"{100 * card.crps:.2f}"]


def _default_first(cells: dict[str, list[str]]) -> list[list[str]]:
    """Return the rows in the order of their first figure, the default at the top."""
    return sorted(cells.values(), key=lambda row: (row[0] != DEFAULT, float(row[1])))
