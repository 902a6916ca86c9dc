"""The arguments that all commands on a study share."""

from __future__ import annotations

import argparse
from pathlib import Path

from datasets.errors import InputError
from datasets.files import write_text
from study.config import REPOSITORY, Study, find_dataset, find_detector
from study.identity import refuse_changed_study
from study.layout import STUDIES, StudyFolder
from study.load import check_fraction, dump_study, load_study
from study.matrix import Cell, cells


def add_study_arguments(parser: argparse.ArgumentParser, optional: bool = False) -> None:
    """Add CONFIG, which may be left out if `optional`, --data, --name and --studies."""
    parser.add_argument("config", metavar="CONFIG", nargs="?" if optional else None,
                        help="the study's YAML, such as configs/studies/embedded.yaml")
    parser.add_argument("--data", metavar="NAME=FOLDER", action="append", default=[],
                        help="where a data set lies, over what its file says; may be repeated")
    parser.add_argument("--name", metavar="NAME",
                        help="a name of its own for this study (default: the configuration's)")
    parser.add_argument("--studies", metavar="FOLDER", type=Path, default=REPOSITORY / STUDIES,
                        help="where studies are kept (default: studies)")


def add_cell_arguments(parser: argparse.ArgumentParser) -> None:
    """Add DATASET, DETECTOR, FRACTION, DRAW, SEED and --searched."""
    parser.add_argument("dataset", metavar="DATASET", help="name of a data set in CONFIG")
    parser.add_argument("detector", metavar="DETECTOR", help="name of a detector in CONFIG")
    parser.add_argument("fraction", metavar="FRACTION", type=float, help="per cent of the training images")
    parser.add_argument("draw", metavar="DRAW", type=int, nargs="?", default=0, help="which order (default: 0)")
    parser.add_argument("seed", metavar="SEED", type=int, nargs="?", default=0, help="of the training (default: 0)")
    parser.add_argument("--searched", action="store_true",
                        help="the run with the hyperparameters that a search on this subset found best")


def open_study(arguments: argparse.Namespace, write: bool = True) -> tuple[Study, StudyFolder]:
    """Return the study and its folder, with study.yaml written, unless told not to `write`.

    Raises InputError for a bad configuration, or one that contradicts the runs in the folder.
    """
    roots = dict(_pair(text) for text in arguments.data)
    study = load_study(arguments.config, name=arguments.name, roots=roots)
    folder = StudyFolder(Path(arguments.studies).resolve() / study.name)
    refuse_changed_study(folder, study)
    if write:
        write_study(study, folder)
    return study, folder


def write_study(study: Study, folder: StudyFolder) -> None:
    """Write study.yaml, unless it says the same already."""
    text = dump_study(study)
    if not folder.config.exists() or folder.config.read_text(encoding="utf-8") != text:
        write_text(folder.config, text)


def find_cell(study: Study, arguments: argparse.Namespace) -> Cell:
    """Return the cell the arguments name. Raises InputError if the study has none such."""
    check_fraction(arguments.fraction, "FRACTION")
    cell = Cell(arguments.fraction, find_dataset(study, arguments.dataset).name,
                find_detector(study, arguments.detector).name, arguments.draw, arguments.seed,
                arguments.searched)
    if cell not in cells(study):
        alike = [c for c in cells(study)
                 if (c.dataset, c.detector, c.searched) == (cell.dataset, cell.detector, cell.searched)]
        if not alike:
            raise InputError(f"the study has no run '{cell}': its configuration has no 'search', or one of smaller "
                             "subsets only (search.up_to)")
        raise InputError(f"the study has no run '{cell}'; fractions: "
                         f"{', '.join(f'{f:g}' for f in sorted({c.fraction for c in alike}))}; draws and seeds as in "
                         "its configuration")
    return cell


def _pair(text: str) -> tuple[str, str]:
    name, equals, root = text.partition("=")
    if not (name and equals and root):
        raise InputError(f"--data {text}: give NAME=FOLDER")
    if not Path(root).is_dir():
        raise InputError(f"--data {text}: no folder {root}; check the path")
    return name, root
