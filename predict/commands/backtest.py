"""``python -m predict backtest``: what would have been forecast at every stage of a finished curve."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from predict.audit import Hindcast, Scorecard, backtest, prefix_shares, require_three, score_by
from predict.backtest import BASELINES, DEFAULT, FORECASTERS
from predict.commands.output import add_table, give, keep, note_assumptions, read
from predict.observations import Observations, average_repeats
from predict.scores import Coverage
from predict.tables import Curve
from predict.text import Cells, counted, format_table, label_lines, points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES = """examples:
  python -m predict backtest predict/data/published_2019.csv
  python -m predict backtest studies/embedded/results.csv --metric AP50 --models "weighted M2" M4 --out backtest/

Every prefix of a curve (its first two sizes, its first three, ...) is fitted, and every later size is forecast from it.
"""
SCORES = ("mean |error| at the largest", "RMSE", "80 % held", "95 % held", "width of 80 %", "CRPS")
HELD = "Held: the share of intervals that held the truth, ± its standard error with curves as clusters."


def add(commands) -> None:
    """Add the parser of `backtest` to those of the commands."""
    parser = add_table(commands, "backtest", "relive a finished curve: forecasts from every prefix beside what came",
                       EXAMPLES, _backtest)
    parser.add_argument("--models", nargs="+", default=list(FORECASTERS), metavar="MODEL",
                        help="beside the default forecaster (default: all)")


def _backtest(args: argparse.Namespace) -> None:
    observed = keep(args, read(args, in_images=False), _long_enough)
    note_assumptions(args, observed)
    models = list(dict.fromkeys([DEFAULT, *args.models]))
    hindcasts = [hindcast for each in observed for hindcast in backtest(each, models)]
    ours = [h for h in hindcasts if h.model == DEFAULT]
    metric = ", ".join(dict.fromkeys(each.metric for each in observed))
    remarks = [HELD, *label_lines((h.curve, h.label) for h in ours)]
    tables = {"models": list(model_rows(hindcasts)), "prefixes": list(prefix_rows(ours)),
              "backtest": [row for h in hindcasts for row in h.rows()]}
    give(args, _report(hindcasts, ours, metric), tables, remarks, lambda: {"backtest": _draw(hindcasts, observed)})


def _long_enough(curve: Curve) -> Observations:
    observed = average_repeats(curve)
    require_three(observed)
    return observed


def _report(hindcasts: Sequence[Hindcast], ours: Sequence[Hindcast], metric: str) -> str:
    counts = (f"{counted(sum(len(h.images) for h in ours), 'forecast')} by each model, from "
              f"{counted(len(ours), 'prefix', 'prefixes')} of {counted(len({h.curve for h in ours}), 'curve')} "
              f"({metric} in points)")
    return "\n\n".join([counts, format_table(model_table(hindcasts)),
                        f"{DEFAULT}, by the number of sizes that it was fitted on", format_table(prefix_table(ours))])


def model_table(hindcasts: Sequence[Hindcast]) -> Cells:
    """Return a row per model, the best CRPS first."""
    cards = sorted(score_by(hindcasts, "model").items(), key=lambda item: item[1].crps)
    return [["model", *SCORES]] + [[model, *score_cells(card)] for model, card in cards]


def prefix_table(hindcasts: Sequence[Hindcast]) -> Cells:
    """Return a row per number of sizes that were fitted."""
    shares = prefix_shares(hindcasts)
    return [["sizes", "fitted up to", *SCORES]] + [
        [str(count), _share(*shares[count]), *score_cells(card)]
        for count, card in sorted(score_by(hindcasts, "fitted_sizes").items())]


def score_cells(card: Scorecard) -> list[str]:
    """Return the cells of SCORES, in points and per cent."""
    return [fine(card.last_error), fine(card.rmse), *(held_cell(card.coverage[level]) for level in (80, 95)),
            points(card.width), fine(card.crps)]


def fine(value: float) -> str:
    """Return an mAP in hundredths of a point, a dash where it is not known."""
    return "-" if math.isnan(value) else f"{100 * value:.2f}"


def held_cell(held: Coverage) -> str:
    """Return a coverage in per cent with its standard error, where it has one."""
    if math.isnan(held.share):
        return "-"
    return f"{100 * held.share:.0f} %" + ("" if math.isnan(held.stderr) else f" ± {100 * held.stderr:.0f}")


def model_rows(hindcasts: Sequence[Hindcast]) -> Iterable[dict[str, Any]]:
    """Yield the scores of each model, as models.csv has them."""
    for model, card in score_by(hindcasts, "model").items():
        yield {"model": model, **card.row()}


def prefix_rows(hindcasts: Sequence[Hindcast]) -> Iterable[dict[str, Any]]:
    """Yield the scores of the default by the number of sizes fitted, as prefixes.csv has them."""
    shares = prefix_shares(hindcasts)
    for count, card in sorted(score_by(hindcasts, "fitted_sizes").items()):
        yield {"fitted_sizes": count, "fit_up_to_least": shares[count][0], "fit_up_to_most": shares[count][1],
               **card.row()}


def _share(low: float, high: float) -> str:
    return " - ".join(dict.fromkeys(f"{share:.3g}" for share in (low, high))) + " %"


def _draw(hindcasts: Sequence[Hindcast], observed: Sequence[Observations]) -> Figure:
    import pandas

    from charts.backtest import backtest_chart

    last = pandas.DataFrame([list(h.rows())[-1] for h in hindcasts])
    return backtest_chart(last, list(FORECASTERS), [model for model in BASELINES if model in set(last["model"])],
                          {each.name: each.metric for each in observed})
