"""``python -m evaluate pictures``: what a detector found, what it got wrong, its precision and recall, as pictures.

``python -m evaluate pictures-run CONFIG DATASET DETECTOR FRACTION``: the same for a run of a study, in its folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from datasets.annotations import Annotations
from datasets.errors import InputError
from datasets.parser import add_json
from study.command import add_cell_arguments, add_study_arguments, find_cell, open_study

DESCRIPTION = "What a detector found, what it got wrong, its precision and recall."
FILES = """example:
  python -m evaluate pictures --truth instances_val.json --detections results.json --images val --out pictures
"""
RUN = """example:
  python -m evaluate pictures-run configs/studies/embedded.yaml digits ssd_mobilenet_v2_small 10
"""


def add(commands) -> None:
    """Add the parsers of `pictures` and `pictures-run` to those of the commands."""
    files = commands.add_parser("pictures", help="draw mistakes, precision and recall of a detections file",
                                description=DESCRIPTION, epilog=FILES)
    files.add_argument("--truth", required=True, metavar="FILE", help="COCO annotations; every image counts")
    files.add_argument("--detections", required=True, metavar="FILE", help="COCO results")
    files.add_argument("--images", metavar="FOLDER", type=Path, help="that the truth's file names start from; without "
                       "it there are only precision and recall")
    files.add_argument("--out", required=True, metavar="FOLDER", type=Path, help="where the pictures go")
    files.add_argument("--classes", nargs="+", default=(), metavar="NAME", help="of these classes (default: all)")
    _add_common(files)
    files.set_defaults(run=_draw_files)
    runs = commands.add_parser("pictures-run", help="draw mistakes, precision and recall of a run of a study",
                               description=f"{DESCRIPTION} The pictures go to the run's folder.", epilog=RUN)
    add_study_arguments(runs)
    add_cell_arguments(runs)
    _add_common(runs)
    runs.set_defaults(run=_draw_run)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--min-score", type=float, default=0.3, metavar="S",
                        help="show detections from this score on (default: 0.3); the curves have all of them")
    add_json(parser)


def _draw_files(arguments: argparse.Namespace) -> dict[str, Any]:
    from evaluate.detections import read_detections
    from evaluate.truth import read_truth

    _check_score(arguments)
    truth, others = read_truth(arguments.truth, arguments.classes)
    if arguments.images:
        _check_images(truth, arguments.images)
    detections = read_detections(arguments.detections, truth, others)
    from evaluate.pictures import draw, save  # matplotlib takes longer to load than a mistake to be found

    figures = draw(truth, detections, arguments.images, arguments.min_score)
    return _print(save(figures, arguments.out))


def _draw_run(arguments: argparse.Namespace) -> dict[str, Any]:
    from study.config import find_dataset
    from study.data import image_folder, read_validation, validation_split
    from study.state import is_finished

    _check_score(arguments)
    study, folder = open_study(arguments)
    cell = find_cell(study, arguments)
    if not is_finished(study, folder, cell):
        raise InputError(f"{cell}: not evaluated by this version yet, or its inputs changed; run "
                         "evaluate/evaluate_subset.sh with the same arguments first")
    from evaluate.detections import read_detections
    from evaluate.pictures import draw, draw_looks, save

    dataset, run = find_dataset(study, cell.dataset), folder.run(cell)
    truth = read_validation(dataset)
    figures = draw(truth, read_detections(run.detections, truth), image_folder(dataset, validation_split(dataset)),
                   arguments.min_score)
    return _print(save(figures | draw_looks(folder, [cell]), run.pictures))


def _check_score(arguments: argparse.Namespace) -> None:
    if not 0 <= arguments.min_score <= 1:
        raise InputError(f"--min-score {arguments.min_score:g}: give a number from 0 to 1")


def _check_images(truth: Annotations, folder: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"--images {folder}: no such folder; check the path")
    names = truth.file_names
    if names and not any((folder / name).exists() for name in names):  # a lone one may be gone, and not be drawn
        raise InputError(f"--images {folder}: none of the {len(names):,} images of {truth.source} is there; give the "
                         f"folder that their file names start from, such as {names[0]}")


def _print(paths: list[Path]) -> dict[str, Any]:
    print("\n".join(f"wrote {path}" for path in paths))
    return {"written": paths}
