"""What a target costs with each detector, and what a budget buys: labels and one training, at the prices given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from datasets.errors import InputError
from predict.forecaster import OUT_OF_REACH
from predict.questions import (
    LEVELS,
    FittedCurve,
    Need,
    basis,
    images_for,
    interval,
    labels,
    shares_of_best,
    sides,
)
from predict.tables import Curve

TAIL = 4  # sizes of at least a fourth of the largest tell how training time goes on
HALVINGS = 60


@dataclass(frozen=True)
class Prices:
    """Prices in one currency, none of them negative."""

    image: float = 0.0  # labelling it
    box: float = 0.0  # labelling it, on top of its image
    gpu_hour: float = 0.0
    trainings: int = 1  # how many are paid for


@dataclass(frozen=True, eq=False)
class TrainingHours:
    """Hours of one training as a function of its images: between measured sizes in straight lines, beyond along one."""

    images: np.ndarray  # float64 [n], rising
    hours: np.ndarray  # float64 [n], never falling
    slope: float  # hours per image beyond the largest

    def at(self, images: np.ndarray) -> np.ndarray:
        """Return the hours of one training on `images` [N], float64 [N]."""
        beyond = np.maximum(images - self.images[-1], 0)
        return np.interp(images, self.images, self.hours) + self.slope * beyond


@dataclass(frozen=True, eq=False)
class Bill:
    """What a training on some number of images costs with one detector, from what is labelled already."""

    labelled: float  # images
    per_image: float  # price of labelling one image with its boxes
    hours: TrainingHours | None  # None where training is not counted
    prices: Prices

    def labelling(self, images: np.ndarray) -> np.ndarray:
        """Return the price of the labels that `images` [N] (finite) lack, float64 [N]."""
        return np.maximum(images - self.labelled, 0) * self.per_image

    def training(self, images: np.ndarray) -> np.ndarray:
        """Return the price of training on `images` [N] (finite), or on all that are labelled where these are more."""
        if self.hours is None:
            return np.zeros(np.shape(images))
        return self.hours.at(np.maximum(images, self.labelled)) * self.prices.gpu_hour * self.prices.trainings

    def total(self, images: np.ndarray) -> np.ndarray:
        """Return the price of labels and training, float64 [N]; inf for inf images."""
        known = np.where(np.isfinite(images), images, self.labelled)
        return np.where(np.isfinite(images), self.labelling(known) + self.training(known), np.inf)


@dataclass(frozen=True, eq=False)
class Quote:
    """The cost of a target with one detector."""

    need: Need
    bill: Bill
    images: float  # median; inf is never
    draws: np.ndarray  # float64 [D], total cost; inf where the target is out of reach
    cheapest: float = math.nan  # how often this detector is the cheapest of its data set

    @property
    def total(self) -> float:
        """The median, inf where fewer than half of the draws reach the target."""
        return float(np.quantile(self.draws, 0.5, method="inverted_cdf"))

    def interval(self, level: float) -> tuple[float, float]:
        """Return the central interval of the total."""
        tail = 0.5 - level / 200
        low, high = np.quantile(self.draws, [tail, 1 - tail], method="inverted_cdf").tolist()
        return low, high

    @property
    def parts(self) -> tuple[float, float]:
        """The median's labelling and training; inf where it is out of reach, 0 where nothing is left to pay."""
        if not math.isfinite(self.images) or self.total == 0:
            return (self.total, self.total)
        return float(self.bill.labelling(np.array(self.images))), float(self.bill.training(np.array(self.images)))

    def row(self) -> dict[str, Any]:
        """Return this quote as a row of cost.csv."""
        labelling, training = self.parts
        return (labels(self.need.curve.curve)
                | {"target": self.need.target, "answer": self.need.answer, "images": self.images,
                   "labelled": self.bill.labelled, "labelling": labelling, "training": training, "total": self.total}
                | sides("", {level: self.interval(level) for level in LEVELS})
                | {"chance": self.need.chance, "cheapest": self.cheapest} | basis(self.need.curve))


@dataclass(frozen=True, eq=False)
class Purchase:
    """What a budget buys with one detector."""

    curve: FittedCurve
    bill: Bill
    budget: float
    images: float  # nan where the budget does not pay one training on what is labelled
    draws: np.ndarray  # float64 [D], mAP with these images; nan where there are none
    best: float = math.nan  # how often this detector is the best of its data set

    @property
    def median(self) -> float:
        return float(np.median(self.draws))

    def interval(self, level: float) -> tuple[float, float]:
        """Return the central interval of the mAP."""
        return interval(self.draws, level)

    def row(self) -> dict[str, Any]:
        """Return this purchase as a row of budget.csv."""
        return (labels(self.curve.curve)
                | {"budget": self.budget, "images": self.images, "labelled": self.bill.labelled, "median": self.median}
                | sides("", {level: self.interval(level) for level in LEVELS}) | {"best": self.best}
                | basis(self.curve))


def learn_hours(curve: Curve) -> TrainingHours | None:
    """Return how long a run takes, from the table's seconds; None where it has none.

    A size counts by the median of its runs, and no size by less than a smaller one. Beyond the largest, time goes on
    along the straight line of least squares through the sizes of at least a fourth of it (the two largest at least):
    it rises there while steps follow from the images, and no longer where a recipe has reached its cap.
    """
    if not np.isfinite(curve.seconds).any():
        return None
    known = np.isfinite(curve.seconds)
    sizes = np.unique(curve.images[known])
    hours = np.array([np.median(curve.seconds[known & (curve.images == n)]) for n in sizes]) / 3600
    if len(sizes) == 1:
        return TrainingHours(np.append(0, sizes), np.append(0, hours), float(hours[0] / sizes[0]))
    tail = sizes >= min(sizes[-1] / TAIL, sizes[-2])
    slope = np.polyfit(sizes[tail], hours[tail], 1)[0]
    return TrainingHours(sizes, np.maximum.accumulate(hours), max(float(slope), 0.0))


def proportional_hours(per_thousand: float) -> TrainingHours:
    """Return hours in proportion to the images."""
    return TrainingHours(np.zeros(1), np.zeros(1), per_thousand / 1000)


def make_bill(curve: FittedCurve, prices: Prices, labelled: float | None = None, boxes: float | None = None,
              hours_per_thousand: float | None = None) -> Bill:
    """Return the bill of a curve; `labelled` images are the largest measured size unless told.

    `boxes` per image and `hours_per_thousand` images stand before what the table says.
    Raises InputError where a price is given for something that is not known.
    """
    name = curve.curve.name
    per_image = curve.boxes_per_image if boxes is None else boxes
    if prices.box and math.isnan(per_image):
        raise InputError(f"{name}: the table has no boxes, which --price-per-box needs; give --boxes-per-image")
    hours = None
    if prices.gpu_hour:
        hours = learn_hours(curve.curve) if hours_per_thousand is None else proportional_hours(hours_per_thousand)
        if hours is None:
            raise InputError(f"{name}: the table has no seconds, which --price-per-gpu-hour needs; give "
                             "--gpu-hours-per-1000-images")
    known = float(curve.observed.images[-1]) if labelled is None else labelled
    return Bill(known, prices.image + (prices.box * per_image if prices.box else 0), hours, prices)


def quote(curve: FittedCurve, bill: Bill, target: float) -> Quote:
    """Return what `target` costs; what a fitted subset has reached costs only the labels that it lacks."""
    need = images_for(curve, target)
    if need.answer != "reached":
        return Quote(need, bill, need.images(), bill.total(need.draws))
    images = np.full(len(need.draws), need.measured)
    paid = need.measured <= bill.labelled
    return Quote(need, bill, need.measured, np.zeros(len(images)) if paid else bill.total(images))


def purchase(curve: FittedCurve, bill: Bill, budget: float) -> Purchase:
    """Return the mAP that `budget` buys, at most OUT_OF_REACH times the images of the largest fitted subset."""
    images = affordable(bill, budget, OUT_OF_REACH * curve.last)
    known = math.isfinite(images)
    draws = curve.posterior.draws(np.array([images if known else curve.last]))[:, 0]
    return Purchase(curve, bill, budget, images, draws if known else np.full_like(draws, np.nan))


def affordable(bill: Bill, budget: float, most: float) -> float:
    """Return the whole images that a budget pays, those labelled already included; nan where it pays no training."""
    low, high = bill.labelled, max(most, bill.labelled)
    if bill.total(np.array(low)) > budget:
        return math.nan
    if bill.total(np.array(high)) <= budget:
        return high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if bill.total(np.array(middle)) <= budget else (low, middle)
    return max(bill.labelled, math.floor(low + 1e-6))


def rank_quotes(quotes: Sequence[Quote]) -> list[Quote]:
    """Return the quotes of one data set, the cheapest first; those out of reach last, the likeliest of them first.

    Of equally cheap ones that come first that measured the target with the fewest images.
    """
    shares = shares_of_best(-np.array([q.draws for q in quotes]))
    ranked = [replace(q, cheapest=share) for q, share in zip(quotes, shares.tolist())]
    return sorted(ranked, key=_rank)


def _rank(quote: Quote) -> tuple[float, float, float]:
    return quote.total, quote.images if quote.need.answer == "reached" else math.inf, -quote.need.chance


def rank_purchases(purchases: Sequence[Purchase]) -> list[Purchase]:
    """Return the purchases of one data set, the highest median first; those that the budget does not pay last."""
    shares = shares_of_best(np.nan_to_num(np.array([p.draws for p in purchases]), nan=-np.inf))
    ranked = [replace(p, best=share) for p, share in zip(purchases, shares.tolist())]
    return sorted(ranked, key=lambda p: -np.nan_to_num(p.median, nan=-1))
