"""``python -m predict check``: did a forecast made earlier hold?"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from predict.backtest import LEVELS
from predict.check import Check, check, largest, read_forecasts
from predict.commands.arguments import add_output, add_reading
from predict.commands.output import give, note, paragraph
from predict.text import Cells, format_table, points, signed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES = """examples:
  python -m predict forecast results_of_small_subsets.csv --at 118287 --out forecast/
  python -m predict check forecast/forecast.csv results.csv

The exit status is 0 whether the forecast held or not.
"""


def add(commands) -> None:
    """Add the parser of `check` to those of the commands."""
    parser = commands.add_parser(
        "check", help="compare a forecast made earlier with the mAP that came",
        description="Compare a forecast made earlier with the mAP that came, and say whether it held.",
        epilog=EXAMPLES)
    parser.add_argument("forecast", type=Path, metavar="FORECAST", help="forecast.csv of `predict forecast --out`")
    parser.add_argument("table", type=Path, metavar="TABLE",
                        help="the finished results.csv, or any table of sizes and mAP (docs/tables.md)")
    parser.add_argument("--metric", metavar="METRIC",
                        help="metric of the table, or what its columns are (default: the forecast's)")
    add_reading(parser)
    add_output(parser)
    parser.set_defaults(run=_check)


def _check(args: argparse.Namespace) -> None:
    checks = check(read_forecasts(args.forecast), args.table, args.metric, args.unit, args.whole)
    note(args, (said for each in checks for said in each.notes))
    judged = largest(each for each in checks if each.has_intervals)
    remarks = [] if judged else ["no forecast in this file has intervals, so that nothing can hold or not"]
    give(args, _report(checks, judged), {"check": [each.row() for each in checks]}, remarks, lambda: _draw(judged))


def _report(checks: Sequence[Check], judged: Sequence[Check]) -> str:
    parts = []
    if judged:
        every = [each for each in checks if each.has_intervals]
        parts += [f"The largest size that has come ({judged[0].forecast.metric} in points)",
                  format_table(verdict_table(judged)), paragraph(f"At the largest size: {summary(judged)}")]
        parts += [paragraph(f"At all sizes: {summary(every)}")] * (len(every) > len(judged))
    if len({each.forecast.model for each in checks}) > 1 or not judged:
        parts += ["Mean |error| at the largest size", format_table(error_table(largest(checks)))]
    return "\n\n".join(parts)


def verdict_table(checks: Sequence[Check]) -> Cells:
    """Return a row per forecast: what was expected, what came, and the verdict."""
    width = max(len(each.verdict) for each in checks)  # to the left, as words are read
    table = [["curve", "images", "forecast", "80 % interval", "truth", "error", "verdict".ljust(width)]]
    for each in checks:
        low, high = each.forecast.intervals[80]
        verdict = each.verdict.ljust(width)
        table.append([each.forecast.curve, f"{each.forecast.images:,.0f}", points(each.forecast.median),
                      f"{points(low)} - {points(high)}", _truth(each), signed(each.error), verdict])
    return table


def summary(checks: Sequence[Check]) -> str:
    """Say how many intervals held the truth, and how many would be expected to."""
    said = [f"{sum(each.holds(level) for each in checks)} in the {level} % interval, {level / 100 * len(checks):.1f} "
            "expected" for level in LEVELS]
    return f"of {len(checks)} forecast{'s' * (len(checks) > 1)}, {'; '.join(said)}"


def error_table(checks: Sequence[Check]) -> Cells:
    """Return a row per model."""
    errors: dict[str, list[float]] = {}
    for each in checks:
        errors.setdefault(each.forecast.model, []).append(abs(each.error))
    return [["model", "curves", "mean |error|"]] + [
        [model, str(len(found)), points(sum(found) / len(found))] for model, found in errors.items()]


def _truth(each: Check) -> str:
    return points(each.truth) + ("" if math.isnan(each.truth_stderr) else f" ± {100 * each.truth_stderr:.1f}")


def _draw(judged: Sequence[Check]) -> dict[str, Figure]:
    import pandas

    from charts.backtest import check_chart

    rows = pandas.DataFrame([each.row() for each in judged])
    return {"check": check_chart(rows, " or ".join(dict.fromkeys(rows["metric"])))} if judged else {}
