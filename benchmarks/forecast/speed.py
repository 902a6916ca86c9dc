"""How long an answer takes, and what else a user might have waited for."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.evaluation.table import table
from benchmarks.forecast.goals import Goal
from benchmarks.forecast.panel import published_curves
from predict.backtest import FORECASTERS
from predict.models import MODELS
from predict.observations import Observations

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 7
FORECAST, IMPORT, SURVEY = 0.3, 1.0, 10.0  # seconds, at most
RESAMPLES = 1000
LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
FRESH = """
import time
began = time.perf_counter()
import predict.backtest as backtest
imported = time.perf_counter()
from predict.observations import average_repeats
from predict.tables import PUBLISHED_2019, read_curves
early = average_repeats(read_curves(PUBLISHED_2019)[0]).up_to(5)
read = time.perf_counter()
backtest.FORECASTERS[backtest.DEFAULT](early).quantiles(early.images[-1:] * 20, [.025, .1, .25, .5, .75, .9, .975])
print(imported - began, time.perf_counter() - read)
"""


def speed(_rows: list[dict]) -> list[Goal]:
    """Print the seconds of an import, a forecast and a survey, beside those of a bootstrap; return the goals."""
    fresh = [_fresh() for _ in range(ROUNDS)]
    importing, forecast = (statistics.median(each) for each in zip(*fresh))
    curves = published_curves()
    survey = _seconds(lambda: [FORECASTERS[name](curve.fitted).quantiles(curve.observed.images, LEVELS)
                               for curve in curves for name in FORECASTERS])
    early = published_curves(20)[0].fitted
    rival = _seconds(lambda: bootstrap_m2(early, early.images[-1:] * 5))
    print("\n" + table(("speed", "seconds"), [
        ("import predict.backtest, a fresh process", f"{importing:.2f}"),
        ("one forecast with intervals, the first after the import", f"{forecast:.3f}"),
        (f"all {len(FORECASTERS)} estimators on the published four", f"{survey:.2f}"),
        (f"M2 by scipy's curve_fit, {RESAMPLES} resamples of its residuals for an interval", f"{rival:.2f}"),
        ("that / one forecast with intervals", f"{rival / forecast:.0f} times")]), flush=True)
    return [Goal("seconds for a forecast with intervals", forecast, high=FORECAST),
            Goal("seconds to import", importing, high=IMPORT),
            Goal("seconds for all estimators on the published four", survey, high=SURVEY)]


def bootstrap_m2(observations: Observations, images: np.ndarray, resamples: int = RESAMPLES) -> np.ndarray:
    """Return quantiles [LEVELS, N] of a power law with offset refitted to resampled residuals (Efron 1979)."""
    from scipy.optimize import curve_fit

    model, x = MODELS["M2"], observations.images / observations.images[-1]
    start, bounds = (0.6, 0.5, 0.5), (model.lower, model.upper)
    best, _ = curve_fit(model.formula, x, observations.values, p0=start, bounds=bounds)
    residuals = observations.values - model.formula(x, *best)
    rng = np.random.default_rng(0)
    drawn = [curve_fit(model.formula, x, model.formula(x, *best) + rng.choice(residuals, len(x)), p0=best,
                       bounds=bounds)[0] for _ in range(resamples)]
    return np.quantile([model.formula(images / observations.images[-1], *each) for each in drawn], LEVELS, axis=0)


def _fresh() -> tuple[float, float]:
    """Return the seconds of the import and of the first forecast in a process of its own."""
    said = subprocess.run([sys.executable, "-c", FRESH], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    importing, forecast = map(float, said.split())
    return importing, forecast


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
