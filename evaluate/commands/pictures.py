"""``python -m evaluate pictures``: what a detector found, what it got wrong, its precision and recall, as pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

from datasets.errors import InputError
from datasets.formats.coco import read_coco
from study.command import add_cell_arguments, add_study_arguments, find_cell, open_study

EPILOG = """Give CONFIG DATASET DETECTOR FRACTION [DRAW [SEED]] side by side for an evaluated cell of a study: its
pictures go to the run's folder. Or give --truth, --detections and --out for files of your own, and --images for the
pictures that show images."""
CELL = ("config", "dataset", "detector", "fraction")
FILES = ("truth", "detections", "out")


def add(commands) -> None:
    """Add the parser of `pictures` to those of the commands."""
    parser = commands.add_parser("pictures", help="draw mistakes, precision and recall of a cell or of any detections",
                                 description="What a detector found, what it got wrong, its precision and recall.",
                                 epilog=EPILOG)
    add_study_arguments(parser, optional=True)
    add_cell_arguments(parser, optional=True)
    files = parser.add_argument_group("files of your own, instead of a cell")
    files.add_argument("--truth", metavar="T.json", help="COCO annotations; every image counts")
    files.add_argument("--detections", metavar="D.json", help="COCO results")
    files.add_argument("--images", metavar="FOLDER", type=Path, help="that the truth's file names start from; without "
                       "it there are only precision and recall")
    files.add_argument("--out", metavar="FOLDER", type=Path, help="where the pictures go")
    files.add_argument("--classes", nargs="+", default=(), metavar="NAME", help="of these classes (default: all)")
    parser.add_argument("--min-score", type=float, default=0.3, metavar="S",
                        help="show detections from this score on (default: 0.3); the curves have all of them")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    given = {name for name in (*CELL, *FILES, "images") if getattr(arguments, name) is not None}
    if not 0 <= arguments.min_score <= 1:
        raise InputError(f"--min-score {arguments.min_score:g}: give a number from 0 to 1")
    if given == set(CELL) and not arguments.classes:
        paths = _draw_cell(arguments)
    elif set(FILES) <= given and not given & set(CELL):
        paths = _draw_files(arguments)
    else:
        raise InputError("give either CONFIG DATASET DETECTOR FRACTION, or --truth, --detections and --out; see --help")
    print("\n".join(f"wrote {path}" for path in paths))
    return 0


def _draw_cell(arguments: argparse.Namespace) -> list[Path]:
    """Draw an evaluated cell, and return the files written."""
    from evaluate.detections import read_detections
    from evaluate.pictures import draw, draw_looks, save
    from study.config import find_dataset
    from study.data import image_folder, read_validation, validation_split
    from study.state import is_finished

    study, folder = open_study(arguments)
    cell = find_cell(study, arguments)
    if not is_finished(study, folder, cell):
        raise InputError(f"{cell}: not evaluated yet; run evaluate/evaluate_subset.sh with the same arguments first")
    dataset, run = find_dataset(study, cell.dataset), folder.run(cell)
    truth = read_validation(dataset)
    figures = draw(truth, read_detections(run.detections, truth), image_folder(dataset, validation_split(dataset)),
                   arguments.min_score)
    return save(figures | draw_looks(folder, [cell]), run.pictures)


def _draw_files(arguments: argparse.Namespace) -> list[Path]:
    """Draw the files that were given, and return those written."""
    from evaluate.detections import read_detections
    from evaluate.pictures import draw, save

    truth = read_coco(arguments.truth, arguments.classes)
    if arguments.images and not arguments.images.is_dir():
        raise InputError(f"--images {arguments.images}: no such folder; check the path")
    figures = draw(truth, read_detections(arguments.detections, truth), arguments.images, arguments.min_score)
    return save(figures, arguments.out)
