"""The audit: what would have been forecast at every stage of a curve that is finished, against what came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from datasets.errors import InputError, nearest
from predict.backtest import DEFAULT, FORECASTERS, LEVELS
from predict.fit import tails
from predict.models import ALIASES
from predict.observations import Observations, require_sizes
from predict.scores import PROBABILITIES, Coverage, coverage, crps_of_quantiles, rmse
from predict.tables import place


@dataclass(frozen=True, eq=False)
class Hindcast:
    """What one model says of a curve's later sizes [N] knowing the first few alone, beside what came."""

    curve: str
    model: str
    fitted_sizes: int
    fit_up_to: float  # per cent of the whole
    images: np.ndarray  # float64 [N], rising, as are the following
    truth: np.ndarray
    median: np.ndarray
    intervals: dict[int, np.ndarray]  # level in per cent -> float64 [2, N], nan where the model has none
    crps: np.ndarray
    label: str = ""

    @property
    def error(self) -> np.ndarray:
        return self.median - self.truth

    @property
    def has_intervals(self) -> bool:
        return all(np.isfinite(interval).all() for interval in self.intervals.values())

    def held(self, level: int) -> np.ndarray:
        """Return whether the interval of `level` per cent holds the truth, bool [N]."""
        low, high = self.intervals[level]
        return (low <= self.truth) & (self.truth <= high)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per size, as backtest.csv has it."""
        for at, images in enumerate(self.images.tolist()):
            sides = {f"{side}-{level}": float(bound[at]) for level, interval in self.intervals.items()
                     for side, bound in zip(("lo", "hi"), interval)}
            yield {"curve": self.curve, "model": self.model, "fitted_sizes": self.fitted_sizes,
                   "fit_up_to": round(self.fit_up_to, 4), "images": images, "median": float(self.median[at]), **sides,
                   "truth": float(self.truth[at]), "error": float(self.error[at]), "crps": float(self.crps[at]),
                   "label": self.label}


@dataclass(frozen=True)
class Scorecard:
    """What a set of hindcasts is worth, in mAP; intervals' figures are nan where the model has none."""

    curves: int
    forecasts: int
    last_error: float  # mean |error| at the largest size, over curves and prefixes
    rmse: float  # over the later sizes, mean over curves and prefixes
    coverage: dict[int, Coverage]  # level in per cent -> pooled over every prefix and later size
    width: float  # mean width of the 80 % interval, pooled likewise
    crps: float  # pooled likewise

    def row(self) -> dict[str, Any]:
        """Return the scores under the names that tables give them."""
        held = {f"{name}_{level}": value for level, covered in self.coverage.items()
                for name, value in zip(("held", "held_stderr"), covered)}
        return {"curves": self.curves, "forecasts": self.forecasts, "last_error": self.last_error, "rmse": self.rmse,
                **held, "width_80": self.width, "crps": self.crps}


def hindcast(model: str, fitted: Observations, images: np.ndarray, truth: np.ndarray) -> Hindcast:
    """Fit `model` to the sizes of `fitted` and forecast `images` [N], where `truth` [N] came."""
    fit = FORECASTERS[model](fitted)
    edges = [edge for level in LEVELS for edge in tails(level)]
    every = fit.quantiles(images, [0.5, *edges, *PROBABILITIES])
    median, sides, dense = every[0], every[1:1 + len(edges)], every[1 + len(edges):]
    return Hindcast(fitted.name, model, len(fitted), float(fitted.percent[-1]), images, truth, median,
                    dict(zip(LEVELS, sides.reshape(len(LEVELS), 2, -1))), crps_of_quantiles(dense, truth), fit.label)


def backtest(observed: Observations, models: Iterable[str] = (DEFAULT,)) -> list[Hindcast]:
    """Relive a curve: at every prefix of two sizes or more, what each of `models` would have said of all later sizes.

    Raises InputError for a curve of fewer than three sizes, and for a model that does not exist.
    """
    models = list(dict.fromkeys(ALIASES.get(name, name) for name in models))
    for name in models:
        if name not in FORECASTERS:
            raise InputError(f"no curve model '{name}'; {nearest(name, [*FORECASTERS, *ALIASES])}")
    require_three(observed)
    return [hindcast(model, observed.take(slice(count)), observed.images[count:], observed.values[count:])
            for count in range(2, len(observed)) for model in models]


def require_three(observed: Observations) -> None:
    """Raise InputError unless a curve has two sizes to fit and one to forecast."""
    require_sizes(observed)
    if len(observed) < 3:
        raise InputError(f"{place(observed.source, observed.name)}: {len(observed)} subset sizes; a backtest needs "
                         "three, two to fit and one to forecast, so add subsets")


def score(hindcasts: Sequence[Hindcast]) -> Scorecard:
    """Return the scores of one model's hindcasts."""
    certain = [h for h in hindcasts if h.has_intervals]
    curves = [h.curve for h in certain for _ in h.images]
    held = {level: coverage(np.concatenate([np.empty(0, bool), *(h.held(level) for h in certain)]), curves)
            for level in LEVELS}
    widths = np.concatenate([[], *(np.diff(h.intervals[80], axis=0)[0] for h in certain)])
    return Scorecard(
        curves=len({h.curve for h in hindcasts}),
        forecasts=sum(len(h.images) for h in hindcasts),
        last_error=float(np.mean([abs(h.error[-1]) for h in hindcasts])),
        rmse=float(np.mean([rmse(h.median, h.truth) for h in hindcasts])),
        coverage=held,
        width=float(widths.mean()) if len(widths) else np.nan,
        crps=float(np.concatenate([h.crps for h in hindcasts]).mean()))


def score_by(hindcasts: Sequence[Hindcast], key: str) -> dict[Any, Scorecard]:
    """Return the scores of the hindcasts that share an attribute such as model or fitted_sizes, in their order."""
    values = dict.fromkeys(getattr(h, key) for h in hindcasts)
    return {value: score([h for h in hindcasts if getattr(h, key) == value]) for value in values}


def prefix_shares(hindcasts: Sequence[Hindcast]) -> Mapping[int, tuple[float, float]]:
    """Return the least and greatest share of the whole, in per cent, that prefixes of each number of sizes reach."""
    shares: dict[int, list[float]] = {}
    for h in hindcasts:
        shares.setdefault(h.fitted_sizes, []).append(h.fit_up_to)
    return {count: (min(each), max(each)) for count, each in shares.items()}
