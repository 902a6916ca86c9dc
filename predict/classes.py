"""Which class to label next: a forecast per class, over the number of images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from predict.questions import LEVELS, FittedCurve, Gain, basis, gains, interval, labels, shares_of_best, sides

ALIKE = 9  # decimals of gains that count as equal
GROUP = ("dataset", "detector", "recipe", "metric")  # what classes are compared within


@dataclass(frozen=True, eq=False)
class ClassGain:
    """What more images bring one class of a detector."""

    curve: FittedCurve
    gain: Gain
    classes: int  # in the mean
    whole: np.ndarray  # float64 [D], AP at full data; nan where the largest fitted subset is all there is
    most: float  # how often this class gains the most

    @property
    def measured(self) -> float:
        """The AP measured at the largest fitted subset."""
        return float(self.curve.fitted.values[-1])

    @property
    def now(self) -> float:
        """The AP of the fitted curve where the gain starts."""
        return float(np.median(self.gain.before))

    @property
    def contribution(self) -> float:
        """What the class's gain adds to the mean over classes."""
        return self.gain.median / self.classes

    def row(self) -> dict[str, Any]:
        """Return this answer as a row of class.csv."""
        intervals = {level: interval(self.gain.after, level) for level in LEVELS}
        return (labels(self.curve.curve)
                | {"from": self.gain.start, "measured": self.measured, "now": self.now, "more": self.gain.more,
                   "forecast": float(np.median(self.gain.after))} | sides("", intervals)
                | {"gain": self.gain.median} | sides("gain_", {level: self.gain.interval(level) for level in LEVELS})
                | {"contribution": self.contribution, "most": self.most, "whole": self.curve.observed.whole,
                   "at_whole": float(np.median(self.whole))}
                | sides("at_whole_", {80: interval(self.whole, 80)}) | basis(self.curve))


def rank_classes(curves: Sequence[FittedCurve], more: float | None = None) -> list[ClassGain]:
    """Return the classes of one detector, the largest gain first; `more` images, or as many again.

    `curves` are all its classes that can be forecast: their number divides the contributions.
    """
    start = max(curve.last for curve in curves)
    found = [gains(curve, [start if more is None else more], start)[0] for curve in curves]
    shares = shares_of_best(np.array([gain.draws for gain in found])).tolist()
    answers = [ClassGain(curve, gain, len(curves), _at_whole(curve), share)
               for curve, gain, share in zip(curves, found, shares)]
    return sorted(answers, key=lambda each: (-round(each.gain.median, ALIKE), _natural(each.curve.curve.category)))


def _natural(name: str) -> list[tuple[int, str]]:
    """Return what sorts a name by the numbers in it: class 2 before class 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def group(curves: Sequence[FittedCurve]) -> dict[tuple[str, ...], list[FittedCurve]]:
    """Return the curves of each data set, detector, recipe and metric, in the table's order."""
    found: dict[tuple[str, ...], list[FittedCurve]] = {}
    for curve in curves:
        found.setdefault(tuple(getattr(curve.curve, name) for name in GROUP), []).append(curve)
    return found


def _at_whole(curve: FittedCurve) -> np.ndarray:
    whole = curve.observed.whole
    draws = curve.posterior.draws(np.array([whole]))[:, 0]
    return draws if whole > curve.last else np.full_like(draws, np.nan)
