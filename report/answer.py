"""What a curve answers: the mAP to expect, the images that a target needs, and how such a forecast did before."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from predict.answers import NEVER, about, money
from predict.backtest import DEFAULT, Forecast, make_forecasts
from predict.observations import Observations, average_repeats
from predict.questions import FittedCurve, Need, fit_curve, images_for
from predict.tables import Curve
from predict.text import points
from study.config import Forecast as Settings
from study.config import Prices

ROUND = 5  # points between the targets that the page chooses itself
WHOLE = 99.9  # per cent that count as all


@dataclass(frozen=True, eq=False)
class CurveAnswer:
    """One learning curve: what is expected of it, in sentences, and the forecasts behind them."""

    curve: Curve
    observed: Observations
    at: float  # images that the answer is about
    name: str
    answer: str
    measured: str
    audit: str
    held_out: list[Forecast]  # of the sizes beyond the fitted ones whose truth is known, a few models each


def answer_curves(curves: Iterable[Curve], settings: Settings, prices: Prices | None = None) -> list[CurveAnswer]:
    """Return an answer for every curve over all classes that has the two sizes that a forecast needs."""
    pairs = [(curve, average_repeats(curve)) for curve in curves if not curve.category]
    return [_answer(curve, observed, settings, prices or Prices()) for curve, observed in pairs if len(observed) > 1]


def _answer(curve: Curve, observed: Observations, settings: Settings, prices: Prices) -> CurveAnswer:
    at = observed.whole if observed.percent[-1] < WHOLE else 2 * observed.images[-1]
    forecasts = make_forecasts([curve], settings.fit_up_to, [at])
    outlook = next(f for f in forecasts if f.model == DEFAULT and f.fit_up_to == 100)
    held_out = [f for f in forecasts if f.fit_up_to < 100 and not math.isnan(f.truth)]
    needs = target_needs(fit_curve(curve), outlook.median, settings.targets)
    sentences = [_expectation(outlook, observed), *(_need_sentence(need, prices) for need in needs)]
    return CurveAnswer(curve, observed, at, curve.name, " ".join(sentences), _measured(outlook, observed),
                       _audit(held_out), held_out)


def target_needs(fitted: FittedCurve, expected: float, targets: Sequence[float]) -> list[Need]:
    """Return the images that targets need, in points; round ones around what is expected where none are given.

    These are the largest up to the expectation, or else the first that can be reached, and the first that cannot.
    """
    if targets:
        return [images_for(fitted, target / 100) for target in targets]
    measured = float(fitted.fitted.values.max())
    rounds = [images_for(fitted, target / 100) for target in range(ROUND, 100, ROUND) if target / 100 > measured]
    within = [need for need in rounds if need.answer == "reachable"]
    beyond = [need for need in rounds if need.answer == "not reachable"]
    return [*([need for need in within if need.target <= expected][-1:] or within[:1]), *(beyond or within[-1:])[:1]]


def interval_text(forecast: Forecast, level: int) -> str:
    """Return an interval in points, unbroken at the end of a line."""
    return "\u00a0–\u00a0".join(map(points, forecast.intervals[level]))


def _expectation(outlook: Forecast, observed: Observations) -> str:
    doubled = ", twice as many as now," if outlook.images > observed.whole else ""
    label = f" ({outlook.label})" if outlook.label else ""
    return f"At {outlook.images:,.0f} images{doubled} expect {_expected(outlook)}{label}."


def _need_sentence(need: Need, prices: Prices) -> str:
    target = f"{100 * need.target:g}"
    if need.answer == "reached":
        return f"{target} was reached at {need.measured:,.0f} images."
    if need.answer == "not reachable":
        return f"{target} is out of reach for this detector."
    low, high = map(about, need.interval(80))
    until = f" to {NEVER}" if high == NEVER else f"\u00a0–\u00a0{high}"
    more = need.images() - need.curve.last
    labels = f", {priced(more * prices.image, prices)} of labels" if prices.image else ""
    return f"{target} needs about {about(need.images())} images (80\u00a0%: {low}{until}){labels}."


def priced(amount: float, prices: Prices) -> str:
    """Return an amount of money with its currency."""
    return f"{money(amount)} {prices.currency}".strip()


def _measured(outlook: Forecast, observed: Observations) -> str:
    bar = observed.interval_80[-1]
    interval = "" if math.isnan(bar[0]) else f" (80\u00a0%: {points(bar[0])}\u00a0–\u00a0{points(bar[1])})"
    return (f"Measured: {points(observed.values[-1])} points of {outlook.metric}{interval} with "
            f"{observed.images[-1]:,.0f} images, {observed.percent[-1]:.3g}\u00a0% of {observed.whole:,.0f}.")


def _audit(held_out: Sequence[Forecast]) -> str:
    if not held_out:
        return "No larger subset has been held out yet, so this forecast has not been put to the test."
    last = max((f for f in held_out if f.model == DEFAULT), key=lambda f: f.images)
    low, high = last.intervals[80]
    verdict = "inside" if low <= last.truth <= high else "outside"
    return (f"The test: from the subsets up to {last.fit_up_to:g}\u00a0% alone, {last.images:,.0f} images were "
            f"forecast to bring {_expected(last)}; they brought {points(last.truth)}, {verdict} the interval.")


def _expected(forecast: Forecast) -> str:
    return f"{points(forecast.median)} points of {forecast.metric} (80\u00a0%: {interval_text(forecast, 80)})"
