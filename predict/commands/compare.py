"""``python -m predict compare``: detectors and data sets side by side, and the exponents of their power laws."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.parser import percent
from predict.commands.arguments import add_output, add_unit
from predict.commands.output import file_name, give, note
from predict.comparison import Measured, bars_note, charts_of, errors_of, quantity, read_measured, wide_note
from predict.exponents import Fit, exponent_rows, exponent_table, findings
from predict.power_law import fit_power_law
from predict.tables import LOSS
from predict.text import format_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES = """examples:
  python -m predict compare predict/data/published_2019.csv --out comparison/
  python -m predict compare studies/coco/results.csv studies/bdd/results.csv --metric AP AP50 --out comparison/

With --out it writes, for every METRIC:
  comparison_linear_METRIC, comparison_log_METRIC   learning curves, a panel per data set, a line per detector
  classes_DATASET_METRIC                            the same per class, where a table has classes
and exponents (PNG and SVG) with exponents.csv: errors against images on logarithmic axes, and their power laws.
"""


def add(commands) -> None:
    """Add the parser of `compare` to those of the commands."""
    parser = commands.add_parser(
        "compare", help="draw detectors and data sets side by side, with the exponents of their power laws",
        description="Draw detectors and data sets side by side, with the exponents of their power laws.",
        epilog=EXAMPLES)
    parser.add_argument("tables", type=Path, nargs="+", metavar="TABLE",
                        help="results.csv of a study, or a CSV of sizes and one column of mAP per curve")
    parser.add_argument("--metric", nargs="+", default=["AP"], metavar="METRIC",
                        help="metrics of results.csv (default: AP); columns of a wide table are mAP, drawn beside AP "
                             "and never as another metric")
    parser.add_argument("--fit-up-to", type=percent, default=100.0, metavar="PERCENT",
                        help="fit power laws on subsets of at most this share (default: 100)")
    add_unit(parser)
    add_output(parser)
    parser.set_defaults(run=_compare)


def _compare(args: argparse.Namespace) -> None:
    measured = read_measured(args.tables, list(dict.fromkeys(args.metric)), args.unit)
    metrics = list(dict.fromkeys(m.metric for m in measured if m.metric != LOSS))
    overall = [m for m in measured if not m.category]
    every = [errors_of(m, args.fit_up_to) for metric in [LOSS, *metrics] for m in overall if m.metric == metric]
    fits = [(errors, fit_power_law(errors)) for errors in every]
    note(args, (said for m in measured for said in m.curve.notes))
    heading = f"Power laws, error = alpha * images^-exponent{_up_to(args.fit_up_to)}"
    give(args, f"{heading}\n\n{format_table(exponent_table(fits))}", {"exponents": exponent_rows(fits)}, findings(fits),
         lambda: _draw(measured, fits, args))


def _draw(measured: Sequence[Measured], fits: Sequence[Fit], args: argparse.Namespace) -> dict[str, Figure]:
    overall = [m for m in measured if not m.category]
    detectors = list(dict.fromkeys(m.detector for m in measured))  # one look in all charts
    figures = {}
    for together in charts_of(list(dict.fromkeys(m.metric for m in measured if m.metric != LOSS))):
        mine = [m for m in measured if m.metric in together]
        figures |= _draw_curves([m for m in mine if not m.category], detectors, together[0])
        figures |= _draw_classes([m for m in mine if m.category], detectors, together[0])
    return figures | _draw_exponents(fits, overall, detectors, args)


def _up_to(share: float) -> str:
    return "" if share == 100 else f", from subsets up to {share:g} %"


def _draw_curves(curves: Sequence[Measured], detectors: Sequence[str], metric: str) -> dict[str, Figure]:
    from charts.comparison import comparison_chart

    note = f"{bars_note(curves)} {wide_note(curves)}".strip()
    return {f"comparison_{axis}_{file_name(metric)}": comparison_chart(curves, note, detectors, log_x=log_x)
            for log_x, axis in ((False, "linear"), (True, "log"))}


def _draw_classes(curves: Sequence[Measured], detectors: Sequence[str], metric: str) -> dict[str, Figure]:
    from charts.comparison import class_chart

    groups: dict[str, list[Measured]] = {}
    for m in curves:
        groups.setdefault(m.dataset, []).append(m)
    return {f"classes_{file_name(dataset)}_{file_name(metric)}": class_chart(mine, bars_note(mine), detectors)
            for dataset, mine in groups.items()}


def _draw_exponents(fits: Sequence[Fit], overall: Sequence[Measured], detectors: Sequence[str],
                    args: argparse.Namespace) -> dict[str, Figure]:
    from charts.power_law import power_law_chart

    if not any(len(errors) for errors, _ in fits):
        return {}
    metrics = list(dict.fromkeys(m.metric for m in overall))
    notes = [bars_note([m for m in overall if m.metric == metric], f" of {quantity(metric)}") for metric in metrics]
    alike = {quantity(other): quantity(first) for first, *others in charts_of(metrics) for other in others}
    lines = f"Lines: error = α n⁻ᵝ{_up_to(args.fit_up_to)}; β with its 95 % t interval, scatter about them included."
    note = "\n".join(filter(None, [lines, *notes, wide_note(overall)]))
    return {"exponents": power_law_chart(fits, note, detectors, alike)}
