"""``python -m predict forecast``: what more training images would bring, from small subsets."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from datasets.errors import InputError
from datasets.parser import percent
from predict.answers import RULE, needs_table
from predict.backtest import DEFAULT, Forecast, forecast_bands, make_forecasts
from predict.commands.arguments import image_count, mean_average_precision
from predict.commands.output import add_table, give, keep, metrics_of, note_assumptions, read, warnings_of
from predict.observations import average_repeats, require_sizes
from predict.questions import Need, fit_curve, images_for
from predict.sizes import FARTHER, early_sizes, require_ahead
from predict.tables import Curve, place
from predict.text import backtest_table, format_table, label_lines, outlook_table, points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES = """examples:
  python -m predict forecast predict/data/published_2019.csv --fit-up-to 5
  python -m predict forecast studies/embedded/results.csv --metric AP50 --at 5000 10000
  python -m predict forecast my_table.csv --map 0.4 --out forecast/
  python -m predict forecast per_cent.csv --whole 118287 --unit points

TABLE: sizes and a column of mAP per curve, or a row per point and columns that name its curve; docs/tables.md has
examples. What is recognised (unit, metric, sizes) is said on stderr.
"""


def add(commands) -> None:
    """Add the parser of `forecast` to those of the commands."""
    parser = add_table(commands, "forecast", "forecast the mAP of more training images from small subsets", EXAMPLES,
                       _forecast)
    parser.add_argument("--fit-up-to", type=percent, default=20.0, metavar="PERCENT",
                        help="fit on subsets of at most this share, compare with the rest (default: 20)")
    parser.add_argument("--at", type=image_count, nargs="+", default=[], metavar="N",
                        help="forecast these numbers of images from all points")
    parser.add_argument("--map", type=mean_average_precision, metavar="MAP", dest="target",
                        help="how many images this mAP needs, from all points (0.4, or 40 points)")


def _forecast(args: argparse.Namespace) -> None:
    curves = read(args, in_images=False)
    needs = [] if args.target is None else keep(args, curves, lambda curve: images_for(fit_curve(curve), args.target))
    made = keep(args, curves, lambda curve: (curve, _forecasts_of(curve, args)))
    known = [curve for curve, _ in made]
    forecasts = [forecast for _, found in made for forecast in found]
    note_assumptions(args, map(average_repeats, known))
    labels = (label_lines((f.curve, f.label) for f in forecasts if f.model == DEFAULT)
              or warnings_of([need.curve for need in needs]))
    remarks = [*[RULE] * bool(needs), *labels]
    tables = {"forecast": [forecast.row() for forecast in forecasts], "target": [need.row() for need in needs]}
    give(args, _report(forecasts, needs, curves[0].sizes, args), tables, remarks,
         lambda: _draw(known, args.fit_up_to, args.at if forecasts else [FARTHER * need.curve.last for need in needs]))


def _forecasts_of(curve: Curve, args: argparse.Namespace) -> list[Forecast]:
    """Return the forecasts of a curve: none where only a target is asked for and there is nothing to compare with.

    Raises InputError for a curve that has nothing to forecast, or nothing to forecast it from.
    """
    observed = average_repeats(curve)
    require_sizes(observed)
    if args.at:
        require_ahead(observed, args.at)
    elif args.target is None:
        early_sizes(observed, args.fit_up_to, hold_out=True, at=True)
    try:
        return make_forecasts([curve], args.fit_up_to, args.at)
    except InputError as error:
        if args.target is not None:
            return []
        raise InputError(f"{place(curve.source, curve.name)}: {error}") from None


def _report(forecasts: Sequence[Forecast], needs: Sequence[Need], sizes: str, args: argparse.Namespace) -> str:
    parts = []
    if held_out := [f for f in forecasts if f.fit_up_to < 100]:
        metrics = ", ".join(dict.fromkeys(f.metric for f in held_out))
        source = f"from subsets up to {args.fit_up_to:g} %"
        parts += [f"The largest size, forecast {source} ({metrics} in points; {DEFAULT})",
                  format_table(backtest_table(held_out, sizes))]
    if outlook := [f for f in forecasts if f.fit_up_to == 100]:
        parts += ["Forecast from all points", format_table(outlook_table(outlook, sizes))]
    if needs:
        metrics = metrics_of([need.curve for need in needs])
        parts += [f"{sizes.capitalize()} needed for {points(args.target)} points of {metrics} (from all points)",
                  format_table(needs_table(needs))]
    return "\n\n".join(parts)


def _draw(curves: Sequence[Curve], fit_up_to: float, at: Sequence[float]) -> dict[str, Figure]:
    from charts.curves import learning_curves

    observed = [average_repeats(curve) for curve in curves]
    bands = forecast_bands(curves, 100 if at else fit_up_to, at)  # as the table: sizes asked for are from all points
    return {name: learning_curves(observed, bands, log_x=log_x)
            for log_x, name in ((False, "learning_curves_linear"), (True, "learning_curves_log"))}
