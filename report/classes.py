"""Classes: what was measured of each, what more images would bring it, and which to label next."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from datasets.errors import InputError
from predict.answers import classes_table
from predict.classes import ClassGain, group, rank_classes
from predict.observations import Observations, average_repeats
from predict.questions import FittedCurve, fit_curve, gains
from predict.tables import Curve
from predict.text import points, signed
from report.tables import TO, Table

NAMED = 3  # classes in the sentence
CLEAR, CERTAIN = 0.25, 0.8  # chances from which on a class stands out, and is likely to gain the most
LEAST = 5e-4  # mAP, a gain that is called one


@dataclass(frozen=True, eq=False)
class ClassAnswer:
    """The classes of one detector on one data set."""

    advice: str
    forecast: Table
    measured: Table


def answer_classes(curves: Iterable[Curve]) -> list[ClassAnswer]:
    """Return, for every data set, detector and recipe, what its classes gain from as many images again."""
    fitted = group([found for curve in curves if (found := _fit(curve))])
    return [_answer(key, every) for key, every in fitted.items() if any(each.curve.category for each in every)]


def class_tables(curves: Iterable[Curve]) -> list[Table]:
    """Return, for every data set and detector, the metric per class and subset size."""
    ordered = sorted((curve for curve in curves if curve.category), key=_without_class)
    return [_class_table(name, [(curve, average_repeats(curve)) for curve in found])
            for name, found in groupby(ordered, key=_without_class)]


def _fit(curve: Curve) -> FittedCurve | None:
    try:
        return fit_curve(curve)
    except InputError:  # of fewer than two sizes
        return None


def _answer(key: tuple[str, ...], every: Sequence[FittedCurve]) -> ClassAnswer:
    ranked = rank_classes([each for each in every if each.curve.category])
    gain, name = ranked[0].gain, _without_class(ranked[0].curve.curve)
    mean = next((gains(each, [gain.more], gain.start)[0] for each in every if not each.curve.category), None)
    header, *rows = [[cell.replace(" - ", TO) for cell in row] for row in classes_table(ranked, mean)]
    caption = (f"{name}: each class with {gain.more:,.0f} images more than {gain.start:,.0f} ({key[-1]}, points; "
               "the largest gain first)")
    measured = _class_table(name, [(each.curve.curve, each.curve.observed) for each in ranked])
    return ClassAnswer(_advice(name, ranked), Table(caption, header, rows), measured)


def _advice(name: str, ranked: Sequence[ClassGain]) -> str:
    """Return which classes gain most from images in which every class is as frequent as usual, and how sure that is."""
    first, gain = ranked[0], ranked[0].gain
    premise = f"{name}: {gain.more:,.0f} images more, each class as frequent as usual,"
    if gain.median < LEAST:
        return f"{premise} are forecast to bring no class anything."
    listed = ", ".join(f"{each.curve.curve.category} ({signed(each.gain.median)})" for each in ranked[:NAMED])
    name, share = first.curve.curve.category, f"{100 * first.most:.0f}\u00a0% of the forecast's draws"
    if first.most < CLEAR:
        return (f"{premise} bring most to {listed} points, but no class stands out: that it is {name} which gains the "
                f"most holds in {share} alone. Go by what classes are worth to you.")
    low, high = map(signed, gain.interval(80))
    likely = "likely" if first.most >= CERTAIN else "not certain"
    return (f"{premise} bring most to {listed} points. That {name} gains the most is {likely}: it does in {share}, and "
            f"its own gain lies between {low} and {high} at 80\u00a0%. Look at these classes first when you choose "
            "what to label next.")


def _without_class(curve: Curve) -> str:
    return curve.name.removesuffix(f" {curve.category}")


def _class_table(name: str, classes: Sequence[tuple[Curve, Observations]]) -> Table:
    sizes = sorted({size for _, observed in classes for size in observed.images})
    rows = []
    for curve, observed in classes:
        values = dict(zip(observed.images, observed.values))
        rows.append([curve.category, *(points(values.get(size, math.nan)) for size in sizes)])
    header = ["class", *(f"{size:,.0f}" for size in sizes)]
    return Table(f"{name}: {classes[0][0].metric} per class (points) over training images", header, rows)
