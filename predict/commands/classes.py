"""``python -m predict class``: which class to label next."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from datasets.errors import InputError
from predict.answers import classes_table
from predict.classes import ClassGain, group, rank_classes
from predict.commands.arguments import image_count
from predict.commands.output import add_question, file_name, fitted_curves, give, warnings_of
from predict.questions import FittedCurve, Gain, gains, interval
from predict.text import format_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES = """examples:
  python -m predict class studies/embedded/results.csv
  python -m predict class studies/embedded/results.csv --metric AP50 --fit-up-to 20 --more 1000 --out class/
"""
NOTE = ("Sizes are images of the whole data set, not boxes of the class: the forecast is for images in which each "
        "class is as frequent as usual. Images chosen for one class bring it more, and others less. Now: on the fitted "
        "curve, which every size informs, beside the value measured at the largest. Most in: the share of draws in "
        "which this class gains the most.")
Group = tuple[tuple[str, ...], list[ClassGain], Gain | None]


def add(commands) -> None:
    """Add the parser of `class` to those of the commands."""
    parser = add_question(commands, "class", "say which class gains the most from more images", EXAMPLES, _class)
    parser.add_argument("--more", type=image_count, metavar="N",
                        help="how many images more (default: as many again as the largest fitted subset has)")


def _class(args: argparse.Namespace) -> None:
    every = fitted_curves(args, per_class=True)
    curves = [curve for curve in every if curve.curve.category]
    if not curves:
        raise InputError(f"{args.table}: no class can be forecast; give a study's results.csv, whose column 'class' "
                         "names classes, with two subset sizes of each")
    means = {key: each[0] for key, each in group([curve for curve in every if not curve.curve.category]).items()}
    groups = [(key, answers := rank_classes(found, args.more), _mean_gain(means.get(key), answers[0].gain))
              for key, found in group(curves).items()]
    report = "\n\n".join(f"{_title(each)}\n\n{format_table(classes_table(each[1], each[2]))}" for each in groups)
    rows = [answer.row() for _, answers, _ in groups for answer in answers]
    give(args, report, {"class": rows}, [NOTE, *warnings_of(curves)], lambda: _draw(groups))


def _mean_gain(mean: FittedCurve | None, like: Gain) -> Gain | None:
    return gains(mean, [like.more], like.start)[0] if mean else None


def _title(each: Group) -> str:
    key, answers, _ = each
    gain = answers[0].gain
    return f"{' '.join(filter(None, key))} in points: {gain.more:,.0f} images more than {gain.start:,.0f}"


def _draw(groups: Sequence[Group]) -> dict[str, Figure]:
    names = [file_name("_".join(["class", *filter(None, key)])) for key, _, _ in groups]
    return {name: _chart(each) for name, each in zip(names if len(groups) > 1 else ["class"], groups)}


def _chart(each: Group) -> Figure:
    from charts.classes import ClassRow, class_gain_chart

    rows = [ClassRow(answer.curve.curve.category, answer.measured, answer.now, float(np.median(answer.gain.after)),
                     *interval(answer.gain.after, 80), answer.gain.median) for answer in each[1]]
    gain = each[1][0].gain
    return class_gain_chart(rows, " ".join(filter(None, each[0])), each[0][-1],
                            f"Forecast for {gain.more:,.0f} images more than {gain.start:,.0f}, each class as frequent "
                            "as usual; the largest gain on top.")
