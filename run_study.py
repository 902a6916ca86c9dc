"""Run a whole study: subsets, records, every training and evaluation, the forecast and the report.

Stages that are done are left alone: give the same command again after an interruption, or to see that all is done.
For data of one's own, --init writes the study file.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path

from datasets.errors import command
from datasets.files import write_text
from datasets.images import check_images
from datasets.prevalence.count import tabulate
from detectors.checkpoints.zoo import provide
from study.command import add_study_arguments, open_study
from study.config import DatasetConfig, Study, find_detector, find_recipe, load_study
from study.data import cut_orders, image_folder, read_train, read_validation, validation_split
from study.layout import StudyFolder
from study.matrix import Cell, cells
from study.results import collect
from study.state import is_concluded, is_finished

PICTURED = 6  # images in a collage
DESCRIBED = "prevalence", "shift", "collage"  # pictures that `describe` draws of a data set


@command
def main(argv: list[str] | None = None) -> int:
    arguments = parse(argv)
    if arguments.init:
        return begin(arguments)
    study, folder = open_study(arguments)
    for detector in study.detectors:
        provide(detector.checkpoint)
    for dataset in study.datasets:
        describe(study, folder, dataset)
    waiting = [cell for cell in cells(study) if not is_finished(study, folder, cell)]
    if not waiting and is_concluded(study, folder):
        print(f"nothing to do: all {len(cells(study))} runs are finished; the report is {folder.report}")
        return 0
    if waiting and not run_cells(study, folder, waiting, arguments.gpu):
        return 0
    return conclude(study, folder)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the arguments: CONFIG and what goes with it, or --init and what goes with that."""
    parser = argparse.ArgumentParser(prog="run_study.py", description=__doc__)
    add_study_arguments(parser, optional=True)
    parser.add_argument("--gpu", action="store_true", help="expect a GPU, and say so if there is none")
    group = parser.add_argument_group("a study file for data of one's own, instead of CONFIG")
    group.add_argument("--init", metavar="FOLDER", type=Path,
                       help="a COCO, YOLO, VOC or BDD folder; says what is there, what it assumes, how long it takes")
    group.add_argument("--out", metavar="FILE", type=Path, help="the file to write (default: NAME.yaml)")
    group.add_argument("--no-estimate", action="store_true", help="do not measure how long it takes")
    arguments = parser.parse_args(argv)
    if (arguments.config is None) == (arguments.init is None):
        parser.error("give either CONFIG or --init FOLDER")
    if arguments.config and (arguments.out or arguments.no_estimate):
        parser.error("--out and --no-estimate go with --init")
    if arguments.init and arguments.data:
        parser.error("--data goes with CONFIG")
    return arguments


def begin(arguments: argparse.Namespace) -> int:
    """Write the study file of a folder, and say what it is and how long it takes here."""
    from study.init.write import init

    path, text = init(arguments.init, arguments.out, arguments.name)
    print(f"{text}\n\nwrote {path}", flush=True)
    if not arguments.no_estimate:
        from detectors.runtime import start

        print("\nHow long it takes is measured now, in about a minute (--no-estimate leaves it out).", flush=True)
        print(start("measured", arguments.gpu), flush=True)
        from train.estimate import estimate

        print(estimate(load_study(path)))
    print(f"\nnext: python run_study.py {shlex.quote(str(path))}")
    return 0


def describe(study: Study, folder: StudyFolder, dataset: DatasetConfig) -> None:
    """Check the data set, cut its subsets, and draw what it holds."""
    train, validation = read_train(dataset), read_validation(dataset)
    check_images(train, image_folder(dataset, dataset.train))
    check_images(validation, image_folder(dataset, validation_split(dataset)))
    order = cut_orders(study, folder, dataset, train)[0]
    table = tabulate(train, study.fractions, validation, positions=order.positions(train))
    path, text = folder.prevalence(dataset.name), table.to_csv(index=False)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    from charts.collage import labelled_grid
    from charts.prevalence import prevalence
    from charts.save import save_figure
    from charts.shift import shift_chart
    from datasets.prevalence.shift import shift

    save_figure(prevalence(table), folder.charts / f"prevalence_{dataset.name}")
    save_figure(shift_chart(shift(table)), folder.charts / f"shift_{dataset.name}")
    pictures = labelled_grid(train, image_folder(dataset, dataset.train), PICTURED)
    save_figure(pictures, folder.charts / f"collage_{dataset.name}")
    write_text(path, text)


def run_cells(study: Study, folder: StudyFolder, waiting: list[Cell], expect_gpu: bool) -> bool:
    """Train and evaluate the cells one after another, in this process, so that TensorFlow loads once.

    Return whether this process is the one to conclude: of several workers, the chief.
    """
    from detectors.runtime import start

    device = start(expect_gpu=expect_gpu)
    print(device, flush=True)
    from evaluate.run import evaluate_cell
    from evaluate.table import summary_line
    from records.prepare import prepare
    from train import strategy
    from train.run import check_cell, check_checkpoint, train_cell

    chief = strategy.is_chief(strategy.prepare(study.runtime))
    for cell in waiting:
        check_cell(study, folder, cell)
    for name in dict.fromkeys(cell.detector for cell in waiting):
        detector = find_detector(study, name)
        check_checkpoint(detector, find_recipe(study, detector), read_train(study.datasets[0]).categories)
    for dataset in study.datasets:
        prepare(study, folder, dataset)
    for number, cell in enumerate(waiting, 1):
        began = time.monotonic()
        train_cell(study, folder, cell, device)
        if chief:
            result = evaluate_cell(study, folder, cell)
            print(f"[{number}/{len(waiting)}] {cell}: {summary_line(result['metrics'])}, "
                  f"{time.monotonic() - began:.0f} s", flush=True)
    return chief


def conclude(study: Study, folder: StudyFolder) -> int:
    """Write results.csv, the pictures, forecast, comparison and report; return the exit status."""
    from predict.__main__ import main as predict
    from report.page import write_report

    collect(study, folder)
    if len(study.fractions) < 2:
        print(f"results: {folder.results}; a forecast needs two subsets or more")
        return 0
    remove_stale_pictures(study, folder)
    for detector in study.detectors:
        for dataset in study.datasets:
            picture_detections(study, folder, dataset, detector.name)
    table = [str(folder.results), "--metric", study.forecast.metric]
    status = predict(["forecast", *table, "--out", str(folder.forecast), "--fit-up-to",
                      f"{study.forecast.fit_up_to:g}"])
    print()
    status = status or predict(["compare", *table, "--out", str(folder.charts)])
    if status == 0:
        print(f"report: {write_report(folder)}")
    return status


def remove_stale_pictures(study: Study, folder: StudyFolder) -> None:
    """Remove the pictures that `conclude` draws anew, and those of data sets that the study has no more."""
    from report.page import picture_kind

    described = {f"{kind}_{dataset.name}" for kind in DESCRIBED for dataset in study.datasets}
    for path in folder.charts.glob("*.[ps][nv]g"):
        if picture_kind(path.stem) and path.stem not in described:
            path.unlink()


def picture_detections(study: Study, folder: StudyFolder, dataset: DatasetConfig, detector: str) -> None:
    """Draw what the detector of the largest subset found and what it got wrong, and the AP on the way of them all."""
    from evaluate.detections import read_detections
    from evaluate.pictures import draw, draw_looks, save

    truth = read_validation(dataset)
    largest = Cell(study.fractions[-1], dataset.name, detector)
    figures = draw(truth, read_detections(folder.run(largest).detections, truth),
                   image_folder(dataset, validation_split(dataset)))
    runs = [cell for cell in cells(study) if (cell.dataset, cell.detector) == (dataset.name, detector)]
    save(figures | draw_looks(folder, runs), folder.charts, f"_{dataset.name}_{detector}")


if __name__ == "__main__":
    sys.exit(main())
