"""The report: one self-contained HTML page out of a study's folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from charts.curves import learning_curves
from datasets.errors import InputError
from datasets.files import write_text
from predict.backtest import forecast_bands
from predict.tables import read_curves
from report.answer import CurveAnswer, answer_curves
from report.classes import answer_classes, class_tables
from report.data import checks, prevalence_table, prevalences
from report.figures import PageFigure, figure_of
from report.hover import spots_of
from report.making import making_table
from report.models import held_out_table, model_table
from report.pictures import pictures_of
from report.runs import read_results, run_table, size_table, time_and_cost
from report.search import searched_curves
from study.config import Forecast, Prices, Study, dump_study, read_study
from study.layout import StudyFolder

DRAWN = 8  # curves that get charts and tables of models of their own
AXES = ("linear", "logarithmic")  # of images


def write_report(folder: StudyFolder) -> Path:
    """Write the study's report and return its path. Raises InputError where the study has no results yet."""
    if not folder.results.exists():
        raise InputError(f"{folder.results}: no results to report; run the study first")
    study = read_study(folder.config) if folder.config.exists() else None
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True,
                                     trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    write_text(folder.report, environment.get_template("page.html").render(_content(folder, study)))
    return folder.report


def _content(folder: StudyFolder, study: Study | None) -> dict[str, Any]:
    """Return what the template shows; empty where the study has nothing of a kind."""
    settings, prices = (study.forecast, study.prices) if study else (Forecast(), Prices())
    results = read_results(folder)
    curves = read_curves(folder.results, settings.metric, per_class=True)
    answers = answer_curves(curves, settings, prices)
    names = [d.name for d in study.datasets] if study else list(dict.fromkeys(a.curve.dataset for a in answers))
    counted = prevalences(folder, names)
    answered = answer_classes(curves)
    return {
        "title": study.name if study else folder.root.resolve().name,
        "answers": answers,
        "drawn": DRAWN,
        "charts": [_curve_charts(answer, settings.fit_up_to) for answer in answers[:DRAWN]],
        "models": _known(model_table(answer) for answer in answers[:DRAWN]),
        "held_out": _known(held_out_table(answer) for answer in answers),
        "searched": [(each, _searched_charts(each)) for each in
                     searched_curves(curves, results, study)],
        "classes": answered,
        "class_tables": [] if answered else class_tables(curves),
        "prevalence": [prevalence_table(each) for each in counted],
        "checks": [checks(folder, each) for each in counted],
        "pictures": pictures_of(folder.charts, names),
        "time_and_cost": time_and_cost(results, prices) if results else "",
        "sizes": size_table(results, prices) if results else None,
        "runs": run_table(results, prices) if results else None,
        "making": making_table(study, folder, results) if study else None,
        "configuration": dump_study(study) if study else "",
    }


def _known(tables: Any) -> list[Any]:
    return [table for table in tables if table is not None]


def _curve_charts(answer: CurveAnswer, fit_up_to: float) -> list[PageFigure]:
    """Return a learning curve with its forecast, linear and logarithmic."""
    bands = forecast_bands([answer.curve], fit_up_to, [answer.at])
    spots = spots_of(answer.observed, bands)
    return [figure_of(learning_curves([answer.observed], bands, log_x=axis == AXES[1]),
                      f"Learning curve of {answer.name}, {axis} axis",
                      f"Learning curve of {answer.name}, {axis} axis of images. {answer.answer}", spots)
            for axis in AXES]


def _searched_charts(each: Any) -> Sequence[PageFigure]:
    return [figure_of(figure, f"Learning curve of {each.name} with and without search, {axis} axis",
                      f"Learning curve of {each.name} with and without search, {axis} axis")
            for axis, figure in each.charts.items()]
