"""What a curve answers: the mAP to expect, the images that a target needs, and how such forecasts did before."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from predict.answers import about, money
from predict.audit import Hindcast, backtest
from predict.backtest import DEFAULT, Forecast, make_forecasts
from predict.observations import Observations, average_repeats
from predict.questions import FittedCurve, Need, fit_curve, images_for
from predict.tables import Curve
from predict.text import counted, points
from report.tables import interval
from study.config import Forecast as Settings
from study.config import Prices

ROUND = 5  # points between the targets that the page chooses itself
WHOLE = 99.9  # per cent that count as all
UNLIKELY = 0.2  # chance up to which a target is called out of reach without more ado


@dataclass(frozen=True, eq=False)
class CurveAnswer:
    """One learning curve: what is expected of it, in sentences, and the forecasts behind them."""

    curve: Curve
    observed: Observations
    outlook: Forecast  # of the size that the answer is about, from all points
    targets: list[str]  # a sentence for each
    held_out: list[Forecast]  # of the sizes beyond the fitted ones whose truth is known, a few models each
    hindcasts: list[Hindcast]  # at every earlier stage; none before the third size

    @property
    def name(self) -> str:
        return self.curve.name

    @property
    def at(self) -> float:
        """The images that the answer is about."""
        return self.outlook.images

    @property
    def answer(self) -> str:
        """What to expect, and what targets need."""
        doubled = ", twice as many as now," if self.at > self.observed.whole else ""
        label = f"{self.outlook.label[0].upper()}{self.outlook.label[1:]}." if self.outlook.label else ""
        expected = f"At {self.at:,.0f} images{doubled} expect {_expected(self.outlook)}."
        return " ".join(filter(None, [expected, *self.targets, label]))

    @property
    def measured(self) -> str:
        """What the largest subset brought."""
        low, high = map(points, self.observed.interval_80[-1])
        bar = "" if low == "-" else f" (80\u00a0%: {interval(low, high)})"
        return (f"Measured: {points(self.observed.values[-1])} points of {self.outlook.metric}{bar} with "
                f"{self.observed.images[-1]:,.0f} images, {self.observed.percent[-1]:.3g}\u00a0% of "
                f"{self.observed.whole:,.0f}.")

    @property
    def audit(self) -> str:
        """How forecasts from the small subsets, and from every earlier stage, did."""
        if not self.held_out:
            return "No larger subset has been held out yet, so this forecast has not been put to the test."
        last = max((f for f in self.held_out if f.model == DEFAULT), key=lambda f: f.images)
        low, high = last.intervals[80]
        verdict = "inside" if low <= last.truth <= high else "outside"
        return (f"The test: from the subsets up to {last.fit_up_to:g}\u00a0% alone, {last.images:,.0f} images were "
                f"forecast to bring {_expected(last)}; they brought {points(last.truth)}, {verdict} the interval."
                f"{self._held()}")

    def _held(self) -> str:
        if not self.hindcasts:
            return ""
        held = np.concatenate([each.held(80) for each in self.hindcasts])
        stages = counted(len(self.hindcasts), "earlier stage")
        return (f" Of {len(held)} forecasts at {stages} of this curve, {100 * held.mean():.0f}\u00a0% had the truth in "
                "their 80\u00a0% interval.")


def answer_curves(curves: Iterable[Curve], settings: Settings, prices: Prices | None = None) -> list[CurveAnswer]:
    """Return an answer for every curve over all classes that has the two sizes that a forecast needs."""
    pairs = [(curve, average_repeats(curve)) for curve in curves if not curve.category]
    return [_answer(curve, observed, settings, prices or Prices()) for curve, observed in pairs if len(observed) > 1]


def beginnings(curves: Iterable[Curve]) -> list[str]:
    """Return a sentence for every curve over all classes that has one size alone."""
    pairs = [(curve, average_repeats(curve)) for curve in curves if not curve.category]
    return [f"{curve.name}: {points(observed.values[0])} points of {curve.metric} with {observed.images[0]:,.0f} "
            "images; a forecast needs a second size." for curve, observed in pairs if len(observed) == 1]


def _answer(curve: Curve, observed: Observations, settings: Settings, prices: Prices) -> CurveAnswer:
    at = observed.whole if observed.percent[-1] < WHOLE else 2 * observed.images[-1]
    forecasts = make_forecasts([curve], settings.fit_up_to, [at])
    outlook = next(f for f in forecasts if f.model == DEFAULT and f.fit_up_to == 100)
    held_out = [f for f in forecasts if f.fit_up_to < 100 and not math.isnan(f.truth)]
    needs = target_needs(fit_curve(curve), outlook.median, settings.targets)
    return CurveAnswer(curve, observed, outlook, target_sentences(needs, prices), held_out,
                       backtest(observed) if len(observed) > 2 else [])


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


def target_sentences(needs: Sequence[Need], prices: Prices) -> list[str]:
    """Return a sentence for each target, and one for all that are hardly in reach."""
    sentences = []
    for far, found in groupby(needs, lambda need: need.answer == "not reachable" and need.chance <= UNLIKELY):
        targets = list(found)
        sentences += [_far(targets)] if far else [_near(need, prices) for need in targets]
    return sentences


def _far(needs: Sequence[Need]) -> str:
    *first, last = [f"{100 * need.target:g}" for need in needs]
    named = f"{', '.join(first)} and {last} are" if first else f"{last} is"
    chance = f"{100 * needs[0].chance:.0f}\u00a0%{' or less' * bool(first)}"
    return f"{named} out of reach for this detector (chance {chance})."


def _near(need: Need, prices: Prices) -> str:
    target = f"{100 * need.target:g}"
    if need.answer == "reached":
        return f"{target} was reached at {need.measured:,.0f} images."
    if need.answer == "not reachable":
        return (f"{target} is more likely out of reach than not (chance {100 * need.chance:.0f}\u00a0%, hardly with "
                f"fewer than {about(need.interval(80)[0])} images).")
    labels = f", {_labels(need, prices)}" if prices.image else ""
    return f"{target} needs about {about(need.images())} images ({_range(need)}){labels}."


def _range(need: Need) -> str:
    low, high = need.interval(80)
    if math.isinf(high):
        return f"80\u00a0%: {about(low)} or more; chance that any number does: {100 * need.chance:.0f}\u00a0%"
    return f"80\u00a0%: {interval(about(low), about(high))}"


def _labels(need: Need, prices: Prices) -> str:
    """Return what the labels cost that the largest subset lacks, with the interval of the images."""
    low, middle, high = (prices.image * max(images - need.curve.last, 0)
                         for images in (need.interval(80)[0], need.images(), need.interval(80)[1]))
    bar = f"{money(low)} or more" if math.isinf(high) else interval(money(low), money(high))
    return f"their labels {priced(middle, prices)} ({bar})"


def priced(amount: float, prices: Prices) -> str:
    """Return an amount of money with its currency."""
    return f"{money(amount)} {prices.currency}".strip()


def interval_text(forecast: Forecast, level: int) -> str:
    """Return an interval in points."""
    return interval(*map(points, forecast.intervals[level]))


def _expected(forecast: Forecast) -> str:
    return f"{points(forecast.median)} points of {forecast.metric} (80\u00a0%: {interval_text(forecast, 80)})"
