"""``python -m predict target``: how many images a target needs, and whether it can be reached."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from predict.answers import RULE, needs_table
from predict.commands.arguments import mean_average_precision
from predict.commands.output import add_question, fitted_curves, give, metrics_of, warnings_of
from predict.questions import FittedCurve, Need, images_for
from predict.text import format_table, points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from charts.target import Reach

EXAMPLES = """examples:
  python -m predict target predict/data/published_2019.csv --map 0.4 0.5
  python -m predict target studies/embedded/results.csv --metric AP50 --map 80 --out target/
  python -m predict target my_table.csv --map 0.4 --fit-up-to 20
"""
BEYOND = 30  # times the largest fitted subset: where the chart of a target out of reach ends
POINTS = 300


def add(commands) -> None:
    """Add the parser of `target` to those of the commands."""
    parser = add_question(commands, "target", "say how many images and boxes a target needs, or that none suffice",
                          EXAMPLES, _target)
    parser.add_argument("--map", type=mean_average_precision, nargs="+", required=True, metavar="MAP", dest="targets",
                        help="the mAP to reach (0.4, or 40 points)")


def _target(args: argparse.Namespace) -> None:
    curves = fitted_curves(args)
    needs = {target: [images_for(curve, target) for curve in curves] for target in dict.fromkeys(args.targets)}
    report = "\n\n".join(f"Images needed for {_title(target, found)} ({_basis(args)})\n\n"
                         f"{format_table(needs_table(found))}" for target, found in needs.items())
    rows = [need.row() for found in needs.values() for need in found]
    unreached = {target: found for target, found in needs.items() if any(need.answer != "reached" for need in found)}
    give(args, report, {"target": rows}, [*[RULE] * bool(unreached), *warnings_of(curves)],
         lambda: {"target": _draw(unreached)} if unreached else {})


def _title(target: float, needs: Sequence[Need]) -> str:
    return f"{points(target)} points of {metrics_of([need.curve for need in needs])}"


def _basis(args: argparse.Namespace) -> str:
    return "from all points" if args.fit_up_to == 100 else f"from subsets up to {args.fit_up_to:g} %"


def _draw(needs: dict[float, list[Need]]) -> Figure:
    from charts.target import target_chart

    return target_chart({_panel_title(target, found): _reaches(found) for target, found in needs.items()})


def _panel_title(target: float, needs: Sequence[Need]) -> str:
    several = len({need.curve.curve.metric for need in needs}) > 1
    return f"Images for {f'{points(target)} points' if several else _title(target, needs)}"


def _reaches(needs: Sequence[Need]) -> list[Reach]:
    from charts.target import Reach

    low, high = np.array([_span(need) for need in needs]).T
    images = np.geomspace(low.min(), high.max(), POINTS)
    return [Reach(need.curve.curve.name, images, need.chance_by(images), need.images(), need.chance,
                  need.measured, need.answer != "reached")
            for need in needs]


def _span(need: Need) -> tuple[float, float]:
    """Return the sizes between which the answer lies: the finite ends of the intervals, and the median."""
    if need.answer == "reached":
        return need.measured / 2, need.measured * 2
    curve: FittedCurve = need.curve
    earliest, *sizes = (*need.interval(95), *need.interval(80), need.images())
    beyond = curve.last if math.isfinite(need.interval(80)[1]) else BEYOND * curve.last
    return 0.8 * min(earliest, curve.last), 1.2 * max([beyond, *filter(math.isfinite, sizes)])
