"""All curve models side by side: fitted to the small subsets of finished curves, held against the large ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from datasets.errors import InputError, nearest
from predict.backtest import FORECASTERS
from predict.fit import Fitted, PointFit, fit_model
from predict.models import ALIASES, MODELS
from predict.observations import Observations, average_repeats
from predict.sizes import early_sizes
from predict.study2019 import STUDY_MODELS, study_r_squared
from predict.tables import Curve, place

if TYPE_CHECKING:
    import pandas

LINE_POINTS = 80  # of a fitted curve in a chart


@dataclass(frozen=True, eq=False)
class Surveyed:
    """One model, fitted to the small subsets of one curve."""

    model: str
    observed: Observations  # the whole curve
    fitted: Observations  # what the model saw
    fit: Fitted
    later: Observations  # the held-out sizes
    predicted: np.ndarray  # float64 [later]

    @property
    def error(self) -> float:
        """Predicted minus measured mAP at the largest size."""
        return float(self.predicted[-1] - self.later.values[-1])

    @property
    def rmse(self) -> float:
        """Root mean square error over the held-out sizes, in mAP."""
        return float(np.sqrt(np.square(self.predicted - self.later.values).mean()))

    @property
    def r_squared(self) -> float:
        """The 2019 study's own figure for its models (no evidence: see `study_r_squared`); nan for others."""
        if self.model not in STUDY_MODELS or not isinstance(self.fit, PointFit):
            return math.nan
        return study_r_squared(self.fit, self.observed)

    def row(self) -> dict[str, Any]:
        """Return this fit as a row of survey.csv."""
        return {"model": self.model, "curve": self.observed.name, "fitted_sizes": len(self.fitted),
                "images": float(self.later.images[-1]), "forecast": float(self.predicted[-1]),
                "truth": float(self.later.values[-1]), "error": self.error, "rmse": self.rmse}


@dataclass(frozen=True)
class Score:
    """A model's errors in mAP, averaged over curves."""

    model: str
    error: float  # mean |error| at the largest size
    rmse: float  # mean of the curves' RMSE over held-out sizes


def all_models() -> dict[str, Callable[[Observations], Fitted]]:
    """Return every model by name: the forecasters, and whatever was added to MODELS since."""
    return {**FORECASTERS, **{name: partial(fit_model, model) for name, model in MODELS.items()}}


def survey(curves: Sequence[Curve], fit_up_to: float = 5, models: Iterable[str] = ()) -> list[Surveyed]:
    """Fit `models` (all unless given) to the sizes up to `fit_up_to` per cent of each curve.

    Raises InputError for a model that is not known, and for a curve of fewer than two sizes up to there or none beyond.
    """
    known = all_models()
    names = [ALIASES.get(name, name) for name in models] or list(known)
    for name in names:
        if name not in known:
            raise InputError(f"no curve model '{name}'; {nearest(name, [*known, *ALIASES])}")
    observed = [require_held_out(curve, fit_up_to) for curve in curves]
    return [_fit(name, known[name], each, fit_up_to) for name in dict.fromkeys(names) for each in observed]


def require_held_out(curve: Curve, fit_up_to: float) -> Observations:
    """Return a curve that can be surveyed. Raises InputError for one without two sizes to fit and one beyond."""
    observed = average_repeats(curve)
    early_sizes(observed, fit_up_to, hold_out=True)
    if not len(observed.beyond(fit_up_to)):
        raise InputError(f"{place(observed.source, observed.name)}: no size is left beyond {fit_up_to:g} % to hold "
                         "models against; lower --fit-up-to")
    return observed


def scores(surveyed: Sequence[Surveyed]) -> list[Score]:
    """Return the mean errors of each model, in the order of `surveyed`."""
    return [Score(model, fmean(abs(s.error) for s in mine), fmean(s.rmse for s in mine))
            for model, mine in by_model(surveyed).items()]


def by_model(surveyed: Sequence[Surveyed]) -> dict[str, list[Surveyed]]:
    """Return each model's fits, a curve each, in the order of `surveyed`."""
    groups: dict[str, list[Surveyed]] = {}
    for each in surveyed:
        groups.setdefault(each.model, []).append(each)
    return groups


def fitted_lines(surveyed: Sequence[Surveyed]) -> pandas.DataFrame:
    """Return every fitted curve from its smallest to its largest size: curve, model, images, value."""
    import pandas

    return pandas.concat([_line(each) for each in surveyed], ignore_index=True)


def _fit(name: str, fit: Callable[[Observations], Fitted], observed: Observations, fit_up_to: float) -> Surveyed:
    early, later = observed.up_to(fit_up_to), observed.beyond(fit_up_to)
    fitted = fit(early)
    return Surveyed(name, observed, early, fitted, later, fitted.quantiles(later.images, [0.5])[0])


def _line(surveyed: Surveyed) -> pandas.DataFrame:
    import pandas

    images = np.geomspace(surveyed.observed.images[0], surveyed.observed.images[-1], LINE_POINTS)
    return pandas.DataFrame({"curve": surveyed.observed.name, "model": surveyed.model, "images": images,
                             "value": surveyed.fit.quantiles(images, [0.5])[0]})
