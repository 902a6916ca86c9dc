"""``python -m predict survey``: every curve model on the small subsets of finished curves, side by side."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from datasets.parser import percent
from predict.backtest import DEFAULT
from predict.commands.output import add_table, give, keep, note_assumptions, paragraph, read
from predict.study2019 import STUDY_MODELS
from predict.survey import Surveyed, all_models, by_model, fitted_lines, require_held_out, scores, survey
from predict.text import Cells, format_table, label_lines, points, signed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES = """examples:
  python -m predict survey predict/data/published_2019.csv
  python -m predict survey studies/embedded/results.csv --metric AP50 --fit-up-to 20 --models M2 M4 "weighted M2"
  python -m predict survey predict/data/published_2019.csv --as-2019 --out study2019/

It writes survey.csv (a row per model and curve), survey_models.csv (a row per model) and charts; with --as-2019
table_1.csv and figure_5 beside survey.csv.
"""
MOST_COLUMNS = 6  # curves with columns of their own on the terminal
MOST_LINES = 8  # fitted curves in a panel that an eye can tell apart
R_SQUARED = ("R² is the study's own figure, over fitted and held-out subsets and its invented row of 0 images and 0 "
             "mAP together. It is shown to reproduce the study and says nothing about a forecast: the errors do.")


def add(commands) -> None:
    """Add the parser of `survey` to those of the commands."""
    parser = add_table(commands, "survey", "fit every curve model to small subsets and hold it against the large ones",
                       EXAMPLES, _survey)
    parser.add_argument("--fit-up-to", type=percent, default=5.0, metavar="PERCENT",
                        help="fit on subsets of at most this share, compare with the rest (default: 5)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--models", nargs="+", default=[], metavar="MODEL",
                       help="these models (default: all; docs/curve_models.md lists them)")
    which.add_argument("--as-2019", action="store_true",
                       help="the eight models of the 2019 study as its figure 5 and table 1 show them")


def _survey(args: argparse.Namespace) -> None:
    curves = read(args)
    observed = keep(args, curves, lambda curve: require_held_out(curve, args.fit_up_to))
    known = [curve for curve in curves if curve.name in {each.name for each in observed}]
    surveyed = survey(known, args.fit_up_to, STUDY_MODELS if args.as_2019 else args.models)
    note_assumptions(args, (s.fitted for s in surveyed if s.model == DEFAULT))
    labels = label_lines((f"{s.model}: {s.observed.name}", s.fit.label) for s in surveyed)
    tables: dict[str, list[dict[str, Any]]] = {"survey": [s.row() for s in surveyed]}
    if args.as_2019:
        report = "\n\n".join([_heading(surveyed, args), format_table(r_squared_table(surveyed)),
                              format_table(error_table(surveyed))])
        give(args, report, tables | {"table_1": r_squared_rows(surveyed)}, [R_SQUARED, *labels],
             lambda: {"figure_5": _draw_curves(surveyed)})
        return
    rank = {score.model: (score.error, score.rmse) for score in scores(surveyed)}
    surveyed = sorted(surveyed, key=lambda s: rank[s.model])
    tables["survey_models"] = [{"model": s.model, "mean_abs_error": s.error, "mean_rmse": s.rmse}
                               for s in scores(surveyed)]
    report = "\n\n".join([_heading(surveyed, args), format_table(error_table(surveyed))])
    give(args, report, tables, labels, lambda: _draw(surveyed, args.fit_up_to))


def error_table(surveyed: Sequence[Surveyed]) -> Cells:
    """Return a row per model: its error at the largest size and its RMSE, for each of few curves and on average."""
    header = [*_numbers(surveyed, "error"), "|error|", *_numbers(surveyed, "RMSE"), "RMSE"]
    return [["model", *header]] + [
        [score.model, *_each(mine, lambda s: signed(s.error)), points(score.error),
         *_each(mine, lambda s: points(s.rmse)), points(score.rmse)]
        for score, mine in zip(scores(surveyed), by_model(surveyed).values())]


def r_squared_table(surveyed: Sequence[Surveyed]) -> Cells:
    """Return a row per model: the study's R² for each of few curves and on average."""
    return [["model", *_numbers(surveyed, "R²"), "mean R²"]] + [
        [model, *_each(mine, lambda s: f"{s.r_squared:.3f}"), f"{fmean(s.r_squared for s in mine):.3f}"]
        for model, mine in by_model(surveyed).items()]


def r_squared_rows(surveyed: Sequence[Surveyed]) -> list[dict[str, Any]]:
    """Return the rows of table_1.csv: a model's R² for each curve, by the study's own rule."""
    return [{"model": model, **{s.observed.name: s.r_squared for s in mine}, "mean": fmean(s.r_squared for s in mine)}
            for model, mine in by_model(surveyed).items()]


def _heading(surveyed: Sequence[Surveyed], args: argparse.Namespace) -> str:
    curves = next(iter(by_model(surveyed).values()))
    metrics = ", ".join(dict.fromkeys(s.observed.metric for s in curves))
    means = "; the columns |error| and RMSE are means over curves" if len(curves) > 1 else ""
    lines = [paragraph(f"Fitted up to {args.fit_up_to:g} %; in points of {metrics}, error at the largest size and RMSE "
                       f"over all held out{means}")]
    if len(curves) <= MOST_COLUMNS:
        lines += [f"  {number}  {s.observed.name}: {len(s.fitted)} of {len(s.observed)} sizes, "
                  f"{points(s.later.values[-1])} at {s.later.images[-1]:,.0f} images"
                  for number, s in enumerate(curves, 1)]
    return "\n".join(lines)


def _numbers(surveyed: Sequence[Surveyed], what: str) -> list[str]:
    curves = len(next(iter(by_model(surveyed).values())))
    return [f"{what} {number}" for number in range(1, curves + 1)] if 1 < curves <= MOST_COLUMNS else []


def _each(mine: Sequence[Surveyed], cell: Callable[[Surveyed], str]) -> list[str]:
    return [cell(s) for s in mine] if 1 < len(mine) <= MOST_COLUMNS else []


def _draw(surveyed: Sequence[Surveyed], fit_up_to: float) -> dict[str, Figure]:
    from charts.survey import error_chart

    metrics = " or ".join(dict.fromkeys(s.observed.metric for s in surveyed))
    charts = {"survey_errors": error_chart([s.row() for s in surveyed], metrics, fit_up_to)}
    if len(by_model(surveyed)) <= MOST_LINES:
        charts["survey_curves"] = _draw_curves(surveyed)
    return charts


def _draw_curves(surveyed: Sequence[Surveyed]) -> Figure:
    from charts.survey import fitted_curves

    curves = next(iter(by_model(surveyed).values()))
    stops = {s.observed.name: float(s.fitted.images[-1]) for s in curves}
    return fitted_curves([s.observed for s in curves], fitted_lines(surveyed), stops, list(all_models()))
