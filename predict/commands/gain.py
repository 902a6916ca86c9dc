"""``python -m predict gain``: what the next images bring."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from predict.answers import gains_table
from predict.commands.arguments import image_count
from predict.commands.output import add_question, fitted_curves, give, keep, metrics_of, warnings_of
from predict.questions import LEVELS, FittedCurve, Gain, gains
from predict.sizes import require_ahead
from predict.text import format_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from charts.gain import GainBand

EXAMPLES = """examples:
  python -m predict gain studies/embedded/results.csv --more 1000 2000
  python -m predict gain predict/data/published_2019.csv --dataset COCO --more 10000 50000 --out gain/
  python -m predict gain my_table.csv --more 1000 --from 5000
"""
NOTE = ("The gain is the difference of one forecast curve between two sizes, so that it is known better than either: "
        "the noise of a run, which the intervals of a forecast include, nearly cancels in it. What two single "
        "trainings differ by has the noise of both besides.")
POINTS = 61


def add(commands) -> None:
    """Add the parser of `gain` to those of the commands."""
    parser = add_question(commands, "gain", "say what the next images bring beyond the largest subset", EXAMPLES, _gain)
    parser.add_argument("--more", type=image_count, nargs="+", default=[1000.0], metavar="N",
                        help="how many images more (default: 1000)")
    parser.add_argument("--from", type=image_count, metavar="N", dest="start",
                        help="count from this number of images (default: the largest fitted subset)")


def _gain(args: argparse.Namespace) -> None:
    more = list(dict.fromkeys(args.more))
    answers = keep(args, fitted_curves(args), lambda curve: (curve, _gains(curve, more, args.start)))
    curves = [curve for curve, _ in answers]
    found = [gain for _, mine in answers for gain in mine]
    report = f"What more images bring ({metrics_of(curves)} in points)\n\n{format_table(gains_table(found))}"
    give(args, report, {"gain": [gain.row() for gain in found]}, [NOTE, *warnings_of(curves)],
         lambda: {"gain": _draw(curves, more, args.start)})


def _gains(curve: FittedCurve, more: Sequence[float], start: float | None) -> list[Gain]:
    first = curve.last if start is None else start
    require_ahead(curve.fitted, [first, first + max(more)])
    return gains(curve, more, first)


def _draw(curves: Sequence[FittedCurve], more: Sequence[float], start: float | None) -> Figure:
    from charts.gain import gain_chart

    return gain_chart([_band(curve, more, start) for curve in curves])


def _band(curve: FittedCurve, more: Sequence[float], start: float | None) -> GainBand:
    from charts.gain import GainBand

    images = np.union1d(np.linspace(0, max(more), POINTS), more)
    found = gains(curve, images.tolist(), start)
    return GainBand(curve.curve.name, found[0].start, images, np.array([g.median for g in found]),
                    {level: np.array([g.interval(level) for g in found]) for level in LEVELS}, np.isin(images, more))
