"""Forecasts beside the truth: the large subsets of a finished curve, from its small ones alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from datasets.errors import InputError, nearest
from predict.fit import Fitted, fit_model, tails
from predict.forecaster import BayesianPowerLaw
from predict.models import MODELS
from predict.observations import Observations, average_repeats, require_sizes
from predict.study2019 import STUDY_MODELS
from predict.tables import Curve

if TYPE_CHECKING:
    import pandas

DEFAULT = "Bayesian mixture"
STUDY = "study's logarithm"
BASELINES = (STUDY, "M2")
LEVELS: tuple[int, ...] = (50, 80, 95)  # per cent
BAND_POINTS = 60

FORECASTERS: dict[str, Callable[[Observations], Fitted]] = {
    DEFAULT: BayesianPowerLaw().fit,
    **STUDY_MODELS,
    **{name: partial(fit_model, model) for name, model in MODELS.items()},
}


@dataclass(frozen=True)
class Forecast:
    """What one model expects of one curve at one size, beside the truth where it is known (nan where not)."""

    curve: str
    dataset: str
    detector: str
    recipe: str
    category: str
    metric: str
    model: str
    fit_up_to: float  # per cent of the whole; 100 says that every point was used
    fitted_sizes: int
    images: float
    median: float
    intervals: dict[int, tuple[float, float]]  # level in per cent -> (low, high)
    truth: float
    truth_stderr: float
    label: str

    @property
    def error(self) -> float:
        return self.median - self.truth

    def row(self) -> dict[str, Any]:
        """Return this forecast as a row of forecast.csv."""
        sides = {f"{side}-{level}": value for level, interval in self.intervals.items()
                 for side, value in zip(("lo", "hi"), interval)}
        labels = {name: getattr(self, name) for name in ("curve", "dataset", "detector", "recipe", "category", "metric",
                                                         "model", "fit_up_to", "fitted_sizes", "images", "median")}
        return labels | sides | {"truth": self.truth, "truth_stderr": self.truth_stderr, "error": self.error,
                                 "label": self.label}


def make_forecasts(curves: Sequence[Curve], fit_up_to: float = 20, at: Sequence[float] = (),
                   models: Sequence[str] = (DEFAULT, *BASELINES)) -> list[Forecast]:
    """Forecast the sizes beyond `fit_up_to` per cent from those up to it, and the sizes `at` from every point.

    Raises InputError for a curve of fewer than two sizes, and, unless sizes `at` are asked for, for one with fewer
    than two up to `fit_up_to`, and where nothing is left to forecast.
    """
    for name in models:
        if name not in FORECASTERS:
            raise InputError(f"no curve model '{name}'; {nearest(name, FORECASTERS)}")
    forecasts = [forecast for curve in curves for forecast in _forecasts_of(curve, fit_up_to, at, models)]
    if not forecasts:
        raise InputError(f"no size is left to forecast beyond {fit_up_to:g} %; lower --fit-up-to or name sizes (--at)")
    return forecasts


def forecast_bands(curves: Sequence[Curve], fit_up_to: float = 20, at: Sequence[float] = ()) -> pandas.DataFrame:
    """Return the default forecast over dense sizes, from where fitting stopped to the largest size: chart bands."""
    import pandas

    return pandas.concat([_band(average_repeats(curve), curve, fit_up_to, at) for curve in curves], ignore_index=True)


def _forecasts_of(curve: Curve, fit_up_to: float, at: Sequence[float], models: Sequence[str]) -> Iterator[Forecast]:
    observed = average_repeats(curve)
    require_sizes(observed)
    early = observed.up_to(fit_up_to)
    if not at:
        require_sizes(early)
    later = _later_sizes(observed, fit_up_to)
    for model in models:
        if len(early) > 1 and len(later):
            yield from _forecast(curve, observed, early, fit_up_to, later, model)
        if at:
            yield from _forecast(curve, observed, observed, 100, np.asarray(at, dtype=float), model)


def _later_sizes(observed: Observations, fit_up_to: float) -> np.ndarray:
    """Return the held-out sizes, and the whole data set where the table knows of more than it has results for."""
    later = observed.beyond(fit_up_to).images
    return later if observed.percent[-1] > 99.9 else np.append(later, observed.whole)


def _forecast(curve: Curve, observed: Observations, fitted: Observations, fit_up_to: float, images: np.ndarray,
              model: str) -> Iterator[Forecast]:
    fit = FORECASTERS[model](fitted)
    probabilities = [0.5, *(tail for level in LEVELS for tail in tails(level))]
    label = "; ".join(filter(None, (fitted.label, fit.label)))
    truths = {size: (value, stderr) for size, value, stderr in zip(observed.images, observed.values, observed.stderr)}
    for size, (median, *sides) in zip(images, fit.quantiles(images, probabilities).T.tolist()):
        truth, stderr = truths.get(size, (math.nan, math.nan))
        intervals = dict(zip(LEVELS, zip(sides[::2], sides[1::2])))
        yield Forecast(curve.name, curve.dataset, curve.detector, curve.recipe, curve.category, curve.metric, model,
                       fit_up_to, len(fitted), float(size), median, intervals, float(truth), float(stderr), label)


def _band(observed: Observations, curve: Curve, fit_up_to: float, at: Sequence[float]) -> pandas.DataFrame:
    early = observed.up_to(fit_up_to)
    fitted = early if len(early) > 1 else observed
    sizes = np.geomspace(fitted.images[-1], max([observed.whole, *at]), BAND_POINTS)
    band = BayesianPowerLaw().fit(fitted).predict(sizes, LEVELS)
    band.insert(0, "curve", curve.name)
    return band
