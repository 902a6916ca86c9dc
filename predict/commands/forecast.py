"""``python -m predict forecast``: what more training images would bring, from small subsets."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from datasets.errors import InputError
from predict.backtest import DEFAULT, Forecast, forecast_bands, images_needed, make_forecasts
from predict.commands.arguments import add_curves, chosen_curves, image_count, mean_average_precision, percent
from predict.observations import average_repeats, require_sizes
from predict.tables import Curve, write_rows
from predict.text import Need, backtest_table, format_table, label_lines, needs_table, outlook_table, points

EXAMPLES = """examples:
  python -m predict forecast predict/data/published_2019.csv --fit-up-to 5
  python -m predict forecast studies/embedded/results.csv --metric AP50 --at 5000 10000
  python -m predict forecast my_table.csv --target 0.4 --out forecast/
  python -m predict forecast per_cent.csv --whole 118287 --unit points

TABLE: sizes and a column of mAP per curve, or a row per point and columns that name its curve; docs/tables.md has
examples. What is recognised (unit, metric, sizes) is said on stderr.
"""


def add(commands) -> None:
    """Add the parser of `forecast` to those of the commands."""
    parser = commands.add_parser(
        "forecast", help="forecast the mAP of more training images from small subsets",
        description="Forecast the mAP of more training images from small subsets.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, metavar="TABLE",
                        help="results.csv of a study, or any table of sizes and mAP")
    add_curves(parser)
    parser.add_argument("--metric", help="only this metric, as AP50 (default: AP of results.csv, all of other tables)")
    parser.add_argument("--fit-up-to", type=percent, default=20.0, metavar="PERCENT",
                        help="fit on subsets of at most this share, compare with the rest (default: 20)")
    parser.add_argument("--at", type=image_count, nargs="+", default=[], metavar="N",
                        help="forecast these numbers of images from all points")
    parser.add_argument("--target", type=mean_average_precision, metavar="MAP",
                        help="how many images this mAP needs, from all points (0.4, or 40 points)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write forecast.csv and charts (PNG, SVG) there")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.set_defaults(run=_forecast)


def _forecast(args: argparse.Namespace) -> None:
    curves, left_out = _with_sizes(chosen_curves(args), args)
    notes = list(dict.fromkeys([*(note for curve in curves for note in curve.notes), *left_out]))
    forecasts = make_forecasts(curves, args.fit_up_to, args.at)
    needs = [] if args.target is None else [(c, images_needed(c, args.target)) for c in curves]
    if args.json:
        print(json.dumps(_as_json(forecasts, needs, args.target) | {"notes": notes}, indent=1))
    else:
        for note in notes:
            print(f"note: {note}", file=sys.stderr)
        _print_report(curves, forecasts, needs, args)
    if args.out:
        _write(curves, forecasts, args)


def _with_sizes(curves: Sequence[Curve], args: argparse.Namespace) -> tuple[list[Curve], list[str]]:
    """Return the curves that have the sizes to fit, and a note on each of the others.

    Raises InputError where none has them.
    """
    kept, refused = [], []
    for curve in curves:
        observed = average_repeats(curve)
        try:
            require_sizes(observed if args.at else observed.up_to(args.fit_up_to))
            kept.append(curve)
        except InputError as error:
            refused.append(str(error))
    if not kept:
        raise InputError(refused[0])
    return kept, [f"left out: {why}" for why in refused]


def _print_report(curves: Sequence[Curve], forecasts: Sequence[Forecast], needs: Sequence[Need],
                  args: argparse.Namespace) -> None:
    sizes = curves[0].sizes
    held_out = [f for f in forecasts if f.fit_up_to < 100]
    outlook = [f for f in forecasts if f.fit_up_to == 100]
    if held_out:
        print(f"The largest size, forecast from subsets up to {args.fit_up_to:g} % "
              f"({', '.join(dict.fromkeys(c.metric for c in curves))} in points; {DEFAULT} with its 80 % interval)\n")
        print(format_table(backtest_table(held_out, sizes)))
    if outlook:
        print("\nForecast from all points\n")
        print(format_table(outlook_table(outlook, sizes)))
    if needs:
        print(f"\n{sizes.capitalize()} needed for {points(args.target)} points, from all points\n")
        print(format_table(needs_table(needs, sizes)))
    for line in label_lines((f.curve, f.label) for f in forecasts if f.model == DEFAULT):
        print(f"\n{line}")


def _as_json(forecasts: Sequence[Forecast], needs: Sequence[Need], target: float | None) -> dict:
    rows = [{key: _plain(value) for key, value in forecast.row().items()} for forecast in forecasts]
    needed = [{"curve": curve.name, "target": target} | dict(zip(("lo-80", "median", "hi-80"), map(_plain, sizes)))
              for curve, sizes in needs]
    return {"forecasts": rows, "images_needed": needed}


def _plain(value):
    """Return `value` as JSON can say it: null for what is not finite."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write(curves: Sequence[Curve], forecasts: Sequence[Forecast], args: argparse.Namespace) -> None:
    from charts.curves import learning_curves
    from charts.save import save_figure

    rows = [{key: "" if _plain(value) is None else value for key, value in f.row().items()} for f in forecasts]
    write_rows(args.out / "forecast.csv", rows)
    observed = [average_repeats(curve) for curve in curves]
    bands = forecast_bands(curves, args.fit_up_to, args.at)
    for log_x, name in ((False, "learning_curves_linear"), (True, "learning_curves_log")):
        save_figure(learning_curves(observed, bands, log_x=log_x), args.out / name)
    if not args.json:
        print(f"\nwritten: {args.out}/forecast.csv and charts")
