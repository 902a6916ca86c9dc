"""``python -m predict cost``: the cheapest way to a target, and what a budget buys."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from datasets.errors import InputError
from datasets.parser import count, number
from predict.answers import purchases_table, quotes_table
from predict.commands.arguments import mean_average_precision
from predict.commands.output import add_question, fitted_curves, give, warnings_of
from predict.cost import (
    Bill,
    Prices,
    Purchase,
    Quote,
    make_bill,
    purchase,
    quote,
    rank_purchases,
    rank_quotes,
)
from predict.fit import tails
from predict.forecaster import OUT_OF_REACH
from predict.questions import FittedCurve
from predict.text import format_table, points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from charts.cost import CostLine

EXAMPLES = """examples:
  python -m predict cost studies/coco/results.csv --map 0.4 --price-per-image 0.5 --price-per-gpu-hour 2 --out cost/
  python -m predict cost predict/data/published_2019.csv --dataset COCO --map 0.45 --price-per-image 0.5 \\
      --price-per-gpu-hour 2 --gpu-hours-per-1000-images 0.4
  python -m predict cost studies/coco/results.csv --budget 5000 --price-per-box 0.04
"""
POINTS = 200


def add(commands) -> None:
    """Add the parser of `cost` to those of the commands."""
    parser = add_question(commands, "cost", "rank detectors by what a target costs, or by what a budget buys", EXAMPLES,
                          _cost)
    parser.add_argument("--map", type=mean_average_precision, metavar="MAP", dest="target",
                        help="the mAP to reach (0.4, or 40 points)")
    parser.add_argument("--budget", type=price, metavar="MONEY", help="say which mAP this buys with each detector")
    parser.add_argument("--price-per-image", type=price, default=0.0, metavar="MONEY",
                        help="for labelling an image (default: 0)")
    parser.add_argument("--price-per-box", type=price, default=0.0, metavar="MONEY",
                        help="for labelling a box, on top of its image (default: 0)")
    parser.add_argument("--price-per-gpu-hour", type=price, default=0.0, metavar="MONEY",
                        help="for an hour of what trains (default: 0, training is not counted)")
    parser.add_argument("--labelled", type=price, metavar="N",
                        help="images that are labelled already (default: the largest measured size)")
    parser.add_argument("--boxes-per-image", type=price, metavar="X",
                        help="in place of the table's column 'boxes' at the largest size")
    parser.add_argument("--gpu-hours-per-1000-images", type=price, metavar="H",
                        help="of one training, in place of what the table's column 'seconds' tells")
    parser.add_argument("--trainings", type=count, default=1, metavar="K", help="trainings to pay for (default: 1)")


def price(text: str) -> float:
    """Return an amount of 0 or more."""
    value = number(text, "0.5")
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no amount; give 0 or more")
    return value


def _cost(args: argparse.Namespace) -> None:
    prices = Prices(args.price_per_image, args.price_per_box, args.price_per_gpu_hour, args.trainings)
    if args.target is None and args.budget is None:
        raise InputError("give --map, the mAP to reach, or --budget, the money to spend, or both")
    if not (prices.image or prices.box or prices.gpu_hour):
        raise InputError("nothing has a price above 0; give --price-per-image, --price-per-box or --price-per-gpu-hour")
    curves = fitted_curves(args)
    bills = [(curve, make_bill(curve, prices, args.labelled, args.boxes_per_image, args.gpu_hours_per_1000_images))
             for curve in curves]
    tasks = dict.fromkeys(map(task, curves))
    groups = [[(curve, bill) for curve, bill in bills if task(curve) == name] for name in tasks]
    quotes = [] if args.target is None else [rank_quotes([quote(*each, args.target) for each in g]) for g in groups]
    bought = [] if args.budget is None else [rank_purchases([purchase(*each, args.budget) for each in g])
                                             for g in groups]
    tables = {"cost": [q.row() for g in quotes for q in g], "budget": [p.row() for g in bought for p in g]}
    give(args, "\n\n".join([*map(_quotes_report, quotes), *map(_purchases_report, bought)]),
         {name: rows for name, rows in tables.items() if rows}, [*_counted(bills, args), *warnings_of(curves)],
         lambda: {"cost": _draw(groups, quotes, args)})


def task(curve: FittedCurve) -> str:
    """Return what detectors are compared on: data set, as far as columns tell it from detectors, and metric."""
    return " ".join(filter(None, [curve.curve.dataset if curve.curve.detector else "", curve.curve.metric]))


def _quotes_report(quotes: Sequence[Quote]) -> str:
    need = quotes[0].need
    return (f"{task(need.curve)}: cost of {points(need.target)} points, the cheapest first\n\n"
            f"{format_table(quotes_table(quotes))}")


def _purchases_report(bought: Sequence[Purchase]) -> str:
    first = bought[0]
    return (f"{task(first.curve)}: points that {first.budget:,.10g} buys, the best first\n\n"
            f"{format_table(purchases_table(bought))}")


def _counted(bills: Sequence[tuple[FittedCurve, Bill]], args: argparse.Namespace) -> list[str]:
    """Say what is in the costs."""
    labelled = sorted({bill.labelled for _, bill in bills})
    beyond = " or ".join(f"{n:,.0f}" for n in (labelled if len(labelled) < 4 else (labelled[0], labelled[-1])))
    per_image = sorted({bill.per_image for _, bill in bills})
    each = " to ".join(f"{value:.4g}" for value in dict.fromkeys((per_image[0], per_image[-1])))
    labels = f"labels of the images beyond the {beyond} labelled already, {each} for each with its boxes"
    several = f"{args.trainings} trainings" if args.trainings > 1 else "one training"
    if not args.price_per_gpu_hour:
        training = "; training is not (no --price-per-gpu-hour)"
    elif args.gpu_hours_per_1000_images is not None:
        training = f", and {several} on all images, {args.gpu_hours_per_1000_images:g} hours per 1,000"
    else:
        training = (f", and {several} on all images, with its evaluation: hours from the table's seconds, as long as "
                    "runs took where the study ran")
    notes = [f"Counted: {labels}{training}. Not counted: trainings on the way, searches, people."]
    if args.target is not None:
        notes.append("Chance: the share of the posterior's draws that reach the target at all; cheapest in: the share "
                     "in which this detector is the cheapest.")
    if args.budget is not None:
        notes.append("Best in: the share of the posterior's draws in which this detector is the best.")
    return notes


def _draw(groups: Sequence[Sequence[tuple[FittedCurve, Bill]]], quotes: Sequence[Sequence[Quote]],
          args: argparse.Namespace) -> Figure:
    from charts.cost import cost_chart

    panels = {}
    for position, bills in enumerate(groups):
        ranked = quotes[position] if quotes else []
        panels[task(bills[0][0])] = [_line(*each, ranked) for each in bills]
    return cost_chart(panels, args.target, args.budget)


def _line(curve: FittedCurve, bill: Bill, ranked: Sequence[Quote]) -> CostLine:
    from charts.cost import CostLine

    images = np.geomspace(max(bill.labelled, curve.fitted.images[0]), OUT_OF_REACH * curve.last, POINTS)
    low, median, high = curve.posterior.quantiles(images, [tails(80)[0], 0.5, tails(80)[1]])
    mine = next((q for q in ranked if q.need.curve is curve), None)
    name = f"{curve.curve.detector}, {curve.curve.recipe}" if curve.curve.recipe else curve.curve.detector
    cheapest = [q for q in ranked if math.isfinite(q.total) and q.total == ranked[0].total]
    return CostLine(name or curve.curve.name, curve.curve.metric, bill.total(images), median,
                    np.stack([low, high], axis=1), mine.total if mine else math.nan,
                    mine.interval(80) if mine else (math.nan, math.nan), len(cheapest) == 1 and mine is cheapest[0])
