"""What a table can have that three points lack, and what each brings: more sizes, draws, a second metric, classes.

On the two dense studies (predict/data/embedded.csv and bccd.csv: eight and six sizes up to 20 %, three draws each), AP
and AP50, every later size forecast from the sizes up to 6, 13 and 20 %. What is drawn once is tried with each draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from benchmarks.evaluation.table import table
from benchmarks.forecast.goals import Goal
from predict.forecaster import DRAWS, BayesianPowerLaw, covariance_of, excess_of, log_level, profile, systematic
from predict.observations import Observations, average_repeats
from predict.scores import PROBABILITIES, crps_of_quantiles
from predict.tables import PUBLISHED_2019, Curve, read_curves

DENSE = tuple(PUBLISHED_2019.with_name(name) for name in ("embedded.csv", "bccd.csv"))
METRICS = ("AP", "AP50")
SHARES = (6, 13, 20)  # per cent
FEW = 3  # sizes

Quantiles = Callable[[np.ndarray, Sequence[float]], np.ndarray]  # images [N], probabilities [P] -> mAP [P, N]


@dataclass(frozen=True)
class Way:
    """One way to use a table: the quantiles forecast for every draw that it can be tried with."""

    name: str
    forecasts: Callable[[Dense, float], Iterable[Quantiles]]  # from the subsets up to a share in per cent


@dataclass(frozen=True)
class Dense:
    """One study's results in one metric."""

    name: str
    metric: str
    curve: Curve  # the mean over classes, every draw
    other: Curve  # the same in the other metric
    classes: tuple[Curve, ...]

    def later(self, share: float) -> Observations:
        """Return the sizes beyond a share in per cent, with the mean of their draws."""
        return average_repeats(self.curve).beyond(share)


def ablation(rows: list[dict]) -> list[Goal]:
    """Print what each way to use a table scores on the dense studies; nothing is a goal here."""
    studies = read_dense()
    cells = []
    for way in WAYS:
        errors, crps, widths = zip(*(_score(way, study, share) for study in studies for share in SHARES))
        per_share = [float(np.mean(errors[at::len(SHARES)])) for at in range(len(SHARES))]
        cells.append((way.name, *(f"{100 * each:.1f}" for each in (*per_share, np.mean(crps), np.mean(widths)))))
    header = ("dense studies, points", *(f"error, {share} %" for share in SHARES), "CRPS", "width of 80 %")
    print(f"\n{table(header, cells)}\n\nerror: mean |error| at 100 % of {' and '.join(METRICS)} in {len(DENSE)} "
          "studies; CRPS and width over every later size", flush=True)
    return []


def read_dense() -> list[Dense]:
    """Return the dense studies, in either metric."""
    studies = []
    for path, metric in ((path, metric) for path in DENSE for metric in METRICS):
        curves = {name: read_curves(path, name, per_class=True) for name in METRICS}
        (mine,), (other,) = ([c for c in curves[name] if not c.category] for name in
                             (metric, next(name for name in METRICS if name != metric)))
        classes = tuple(c for c in curves[metric] if c.category)
        studies.append(Dense(path.stem, metric, mine, other, classes))
    return studies


def _score(way: Way, study: Dense, share: float) -> tuple[float, float, float]:
    """Return |error| at 100 %, CRPS and width of the 80 % interval over later sizes, means over the draws tried."""
    later = study.later(share)
    figures = []
    for quantiles in way.forecasts(study, share):
        every = quantiles(later.images, [0.5, 0.1, 0.9, *PROBABILITIES])
        figures.append((abs(every[0, -1] - later.values[-1]), crps_of_quantiles(every[3:], later.values).mean(),
                        (every[2] - every[1]).mean()))
    return tuple(np.mean(figures, axis=0).tolist())


def _of_draw(curve: Curve, draw: str) -> Curve:
    """Return the runs of one draw."""
    keep = np.array(curve.draws) == draw
    return replace(curve, images=curve.images[keep], values=curve.values[keep], stderr=curve.stderr[keep],
                   draws=(), seeds=(), interval_80=np.empty((0, 2)), boxes=curve.boxes[keep], seconds=np.empty(0))


def _thin(observed: Observations) -> Observations:
    """Return the first size, the last and the one between them that is nearest to their geometric mean."""
    middle = np.abs(np.log(observed.images**2 / observed.images[0] / observed.images[-1]))[1:-1].argmin() + 1
    return observed.take([0, middle, -1])


def _alone(study: Dense, share: float, *, few: bool, single: bool, boxes: bool = True) -> Iterable[Quantiles]:
    """Forecast from the curve itself: from `few` sizes or all, from each `single` draw or all together."""
    for curve in [_of_draw(study.curve, draw) for draw in sorted(set(study.curve.draws))] if single else [study.curve]:
        observed = average_repeats(curve if boxes else replace(curve, class_boxes=math.nan)).up_to(share)
        yield BayesianPowerLaw().fit(_thin(observed) if few else observed).quantiles


def _with_other(study: Dense, share: float) -> Iterable[Quantiles]:
    """Forecast both metrics; pull each log error half-way to what the other's forecast says of it.

    The other says: error = its own error to a power, by least squares over the sizes fitted.
    """
    mine, other = (average_repeats(curve).up_to(share) for curve in (study.curve, study.other))
    slope, start = np.polyfit(np.log(1 - other.values), np.log(1 - mine.values), 1)
    own, others = (BayesianPowerLaw().fit(each) for each in (mine, other))

    def quantiles(images: np.ndarray, probabilities: Sequence[float]) -> np.ndarray:
        own_log = np.log1p(-own.draws(images))
        pull = start + slope * np.median(np.log1p(-others.draws(images)), axis=0) - np.median(own_log, axis=0)
        return np.quantile(1 - np.minimum(np.exp(own_log + pull / 2), 1), probabilities, axis=0)

    yield quantiles


def _by_class(study: Dense, share: float) -> Iterable[Quantiles]:
    """Forecast every class by its own curve; the mean of the classes' quantiles."""
    fits = [BayesianPowerLaw().fit(average_repeats(curve).up_to(share)) for curve in study.classes]
    yield lambda images, probabilities: np.mean([fit.quantiles(images, probabilities) for fit in fits], axis=0)


def _pooled_classes(study: Dense, share: float) -> Iterable[Quantiles]:
    """Forecast every class over its own boxes, all classes with one shape: the frequent ones show what rare ones will.

    The shape (c, phi) is shared at the most boxes that any class has; each class keeps its level.
    """
    observed = [average_repeats(curve).up_to(share) for curve in study.classes]
    boxes = [curve.class_boxes for curve in study.classes]
    most = max(each.images[-1] * count for each, count in zip(observed, boxes))
    forecaster, rng = BayesianPowerLaw(), np.random.default_rng(0)
    parts = []
    for weight, regime in forecaster.mixture(observed[0]):
        exponent, floor, log_prior = regime.grid()
        total, levels = -2 * log_prior, []
        for each, count in zip(observed, boxes):
            x = each.images * count / most
            level, per_value = log_level(each.values, each.noise, regime.odds)
            left = level - np.log(floor[:, None] + (1 - floor[:, None]) * x ** -exponent[:, None])
            x = x / x[-1]
            covariance = covariance_of(x, each.noise * per_value, regime.discrepancy)
            log_scale, _, misfit = profile(left, covariance, x ** (forecaster.recency / 2))
            total = total + misfit / excess_of(misfit.min(), x, covariance, x ** (forecaster.recency / 2))
            levels.append(log_scale)
        rows = systematic(np.exp(-0.5 * (total - total.min())), round(weight * DRAWS))
        rows = rng.permutation(rows)
        parts.append((regime.odds, exponent[rows], floor[rows], [level[rows] for level in levels]))

    def quantiles(images: np.ndarray, probabilities: Sequence[float]) -> np.ndarray:
        draws = []
        for odds, exponent, floor, levels in parts:
            grown = [level[:, None] + np.log(floor[:, None] + (1 - floor[:, None])
                                             * (images * count / most) ** -exponent[:, None])
                     for level, count in zip(levels, boxes)]
            errors = [1 / (1 + np.exp(-each)) if odds else np.minimum(np.exp(each), 1) for each in grown]
            draws.append(1 - np.mean(errors, axis=0))
        return np.quantile(np.concatenate(draws), probabilities, axis=0)

    yield quantiles


WAYS = (
    Way(f"{FEW} sizes, one draw", partial(_alone, few=True, single=True)),
    Way("all sizes, one draw", partial(_alone, few=False, single=True)),
    Way(f"{FEW} sizes, three draws", partial(_alone, few=True, single=False)),
    Way("all sizes, three draws: the default", partial(_alone, few=False, single=False)),
    Way("the same without its boxes per class", partial(_alone, few=False, single=False, boxes=False)),
    Way("and the other metric", _with_other),
    Way("class by class", _by_class),
    Way("classes by their boxes, one shape", _pooled_classes),
)
