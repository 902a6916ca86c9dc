"""The report: one self-contained HTML page out of a study's folder."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2

from charts.curves import learning_curves
from datasets.errors import InputError
from datasets.files import write_text
from datasets.orders.order import read_order
from predict.backtest import forecast_bands
from predict.tables import Curve, read_curves
from report.answer import CurveAnswer, answer_curves, beginnings
from report.classes import answer_classes, class_tables
from report.data import checks, prevalence_table, prevalences
from report.figures import PageFigure, figure_of
from report.hover import spots_of
from report.making import making_table
from report.models import held_out_table, model_table, overview
from report.pictures import pictures_of
from report.runs import read_results, run_table, size_table, time_and_cost
from report.search import AXES, LOGARITHMIC, SearchedCurve, searched_curves
from study.config import Forecast, Prices, Study
from study.layout import StudyFolder
from study.load import dump_study, read_study

DRAWN = 8  # curves that get charts and tables of models of their own
FEW = 2  # curves whose answers stand in full at the top; of more, the best one's, above a table


def write_report(folder: StudyFolder) -> Path:
    """Write the study's report and return its path. Raises InputError where the study has no results yet."""
    if not folder.results.exists():
        raise InputError(f"{folder.results}: no results to report; run the study first")
    study = read_study(folder.config) if folder.config.exists() else None
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True,
                                     trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    names = [d.name for d in study.datasets] if study else []
    with ThreadPoolExecutor() as pool:  # pictures are decoded and encoded without the interpreter's lock
        pictures = pool.submit(pictures_of, folder.charts, names)
        content = _content(folder, study)
    write_text(folder.report, environment.get_template("page.html").render(content, pictures=pictures.result()))
    return folder.report


def _content(folder: StudyFolder, study: Study | None) -> dict[str, Any]:
    """Return what the template shows besides pictures; empty where the study has nothing of a kind."""
    settings, prices = (study.forecast, study.prices) if study else (Forecast(), Prices())
    results = read_results(folder)
    curves = _sized(read_curves(folder.results, settings.metric, per_class=True), folder)
    answers = answer_curves(curves, settings, prices)
    names = [d.name for d in study.datasets] if study else list(dict.fromkeys(curve.dataset for curve in curves))
    counted = prevalences(folder, names)
    answered = answer_classes(curves)
    return {
        "title": study.name if study else folder.root.resolve().name,
        "answers": answers,
        "first": answers if len(answers) <= FEW else [max(answers, key=lambda each: each.outlook.median)],
        "beginnings": beginnings(curves),
        "overview": overview(answers) if len(answers) > FEW else None,
        "drawn": DRAWN,
        "charts": [_curve_charts(answer, settings.fit_up_to) for answer in answers[:DRAWN]],
        "models": [model_table(answer) for answer in answers[:DRAWN]],
        "held_out": [table for answer in answers if (table := held_out_table(answer))],
        "searched": [(each, _searched_charts(each)) for each in
                     searched_curves(curves, results, study)],
        "classes": answered,
        "class_tables": [] if answered else class_tables(curves),
        "prevalence": [prevalence_table(each) for each in counted],
        "checks": [checks(folder, each) for each in counted],
        "time_and_cost": time_and_cost(results, prices) if results else "",
        "sizes": size_table(results, prices) if results else None,
        "runs": run_table(results, prices) if results else None,
        "making": making_table(study, folder, results) if study else None,
        "configuration": dump_study(study) if study else "",
    }


def _sized(curves: Iterable[Curve], folder: StudyFolder) -> list[Curve]:
    """Return the curves with all images of their data sets, which the smallest subsets tell by rounding alone."""
    orders = {name: folder.order(name, 0) for name in {curve.dataset for curve in curves}}
    wholes = {name: len(read_order(path).image_ids) for name, path in orders.items() if path.exists()}
    return [replace(curve, whole=wholes.get(curve.dataset, curve.whole)) for curve in curves]


def _curve_charts(answer: CurveAnswer, fit_up_to: float) -> list[PageFigure]:
    """Return a learning curve with its forecasts, linear and logarithmic: from small subsets, and from all points."""
    ahead = forecast_bands([answer.curve], 100, [answer.at])
    ahead = ahead[ahead["images"] <= answer.at]
    tested = forecast_bands([answer.curve], fit_up_to) if answer.held_out else ahead[:0]
    tested = tested[tested["images"] <= answer.observed.images[-1]]
    spots = spots_of(answer.observed, tested, ahead)
    return [figure_of(learning_curves([answer.observed], tested, log_x=axis == LOGARITHMIC, outlook=ahead),
                      f"Learning curve of {answer.name}, {axis} axis",
                      f"Learning curve of {answer.name}, {axis} axis of images. {answer.answer}", spots)
            for axis in AXES]


def _searched_charts(each: SearchedCurve) -> list[PageFigure]:
    return [figure_of(figure, name := f"Learning curve of {each.name} with and without search, {axis} axis", name)
            for axis, figure in each.charts.items()]
