"""What follows from a study's results: results.csv, forecast, pictures and report."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Sequence

from datasets.errors import InputError, Terminated
from engine.axes import draw_axes
from engine.describe import DESCRIBED
from predict.backtest import DEFAULT, Forecast, make_forecasts
from predict.observations import Observations, average_repeats
from predict.tables import Curve, read_curves
from study.config import DatasetConfig, Study
from study.data import image_folder, read_validation, validation_split
from study.layout import StudyFolder
from study.matrix import Cell
from study.results import collect
from study.state import finished_cells, note_conclusion
from study.tracking.follow import track_study

WHOLE = 99.9  # per cent that count as all


def renew(study: Study, folder: StudyFolder) -> list[Forecast]:
    """Write results.csv and, where a curve has two sizes, forecast and report; return the forecasts of `expect`.

    It takes about a second, so that it can follow every run; `conclude` draws the other pictures at the end.
    """
    from report.page import write_report

    collect(study, folder, finished_cells(study, folder))
    expected = expect(study, folder)
    if expected:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            _forecast(study, folder)
        write_report(folder)
    return expected


def conclude(study: Study, folder: StudyFolder) -> int:
    """Write results.csv, the pictures, forecast, comparison and report, as far as there are results.

    Return the exit status. Raises InputError where there is no result at all.
    """
    from report.page import write_report

    done = finished_cells(study, folder)
    if collect(study, folder, done).empty:
        there = len(folder.finished_results())
        why = f"none of its {there} results is of these inputs and this version" if there else "no run is finished yet"
        raise InputError(f"{folder.root}: {why}, so there is nothing to conclude; run the study first")
    remove_stale_pictures(study, folder)
    for detector in study.detectors:
        for dataset in study.datasets:
            picture_detections(study, folder, dataset, detector.name, done)
    if not expect(study, folder):
        note_conclusion(study, folder)
        print(f"results: {folder.results}; a forecast needs two subsets or more")
        return 0
    status = _forecast(study, folder)
    print()
    status = status or _predict(["compare", str(folder.results), "--metric", study.forecast.metric, "--out",
                                 str(folder.charts)])
    draw_axes(study, folder)
    if status == 0:
        print(f"report: {write_report(folder)}")
        note_conclusion(study, folder)
        track_study(study, folder)
    return status


def expect(study: Study, folder: StudyFolder) -> list[Forecast]:
    """Return what every curve of two sizes or more is expected to reach with all images, from all its points."""
    curves = _curves(study, folder)
    return [make_forecasts([curve], 100, [observed.whole], [DEFAULT])[-1] for curve, observed in curves]


def _forecast(study: Study, folder: StudyFolder) -> int:
    """Write the forecast from the subsets that the study fits, beside what came; return the exit status.

    As long as a study in progress has fewer than two of those, the forecast is from all that there are.
    """
    up_to, measured = study.forecast.fit_up_to, [observed for _, observed in _curves(study, folder)]
    if not any(len(observed.up_to(up_to)) > 1 for observed in measured):
        if all(observed.percent[-1] > WHOLE for observed in measured):
            return 0  # nothing is left to forecast
        up_to = 100.0
    return _predict(["forecast", str(folder.results), "--metric", study.forecast.metric, "--out", str(folder.forecast),
                     "--fit-up-to", f"{up_to:g}"])


def _predict(arguments: list[str]) -> int:
    """Return the exit status of a command of predict's. One that was asked to stop stops this process too."""
    from predict.__main__ import main

    status = main(arguments)
    if status in (130, 143):
        raise Terminated if status == 143 else KeyboardInterrupt
    return status


def _curves(study: Study, folder: StudyFolder) -> list[tuple[Curve, Observations]]:
    """Return the curves of two sizes or more; none as long as the metric has no value anywhere."""
    try:
        curves = read_curves(folder.results, study.forecast.metric)
    except InputError:
        return []
    observed = [(curve, average_repeats(curve)) for curve in curves]
    return [(curve, points) for curve, points in observed if len(points) > 1]


def remove_stale_pictures(study: Study, folder: StudyFolder) -> None:
    """Remove the pictures that `conclude` draws anew, and those of data sets that the study has no more."""
    from report.pictures import picture_kind

    described = {f"{kind}_{dataset.name}" for kind in DESCRIBED for dataset in study.datasets}
    for path in folder.charts.glob("*.[ps][nv]g"):
        if picture_kind(path.stem) and path.stem not in described:
            path.unlink()


def picture_detections(study: Study, folder: StudyFolder, dataset: DatasetConfig, detector: str,
                       done: Sequence[Cell]) -> None:
    """Draw what the detector of the largest of its finished runs found and got wrong, and the AP on the way of them."""
    from evaluate.detections import read_detections
    from evaluate.pictures import draw, draw_looks, save

    runs = [cell for cell in done if (cell.dataset, cell.detector) == (dataset.name, detector)]
    plain = [cell for cell in runs if not cell.searched and (cell.draw, cell.seed) == (0, 0)]
    if not plain:
        return
    truth = read_validation(dataset)
    try:
        detections = read_detections(folder.run(plain[-1]).detections, truth)
    except InputError as error:
        print(f"{plain[-1]}: no pictures ({error})", file=sys.stderr, flush=True)
        return
    figures = draw(truth, detections, image_folder(dataset, validation_split(dataset)))
    save(figures | draw_looks(folder, runs), folder.charts, f"_{dataset.name}_{detector}")
