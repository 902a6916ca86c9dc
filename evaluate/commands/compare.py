"""``python -m evaluate compare``: is one set of detections better than another, or are these images too few to tell?

``python -m evaluate compare-runs CONFIG DATASET DETECTOR FRACTION FRACTION``: the same for two runs of a study.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.annotations import Annotations
from datasets.errors import InputError
from datasets.parser import add_json
from evaluate.commands.score import add_resamples, check_resamples
from study.command import add_study_arguments, find_cell, open_study
from study.config import Study, find_dataset
from study.data import read_validation
from study.layout import StudyFolder
from study.matrix import Cell, fraction_key
from study.state import is_finished

if TYPE_CHECKING:
    from evaluate.compare import DifferenceRow
    from evaluate.verdict import RunNoise

FILES = """example:
  python -m evaluate compare --truth instances_val.json --detections before.json after.json
"""
RUNS = """examples:
  python -m evaluate compare-runs configs/studies/embedded.yaml digits ssd_mobilenet_v2_small 5 10
  python -m evaluate compare-runs configs/studies/embedded.yaml digits ssd_mobilenet_v2_small 1 1 --other-draw 1
"""


def add(commands) -> None:
    """Add the parsers of `compare` and `compare-runs` to those of the commands."""
    files = commands.add_parser("compare", help="compare two detections files of the same images",
                                description="Is one set of detections better than another, or are these images too "
                                            "few to tell?", epilog=FILES)
    files.add_argument("--truth", required=True, metavar="FILE", help="COCO annotations; every image counts")
    files.add_argument("--detections", required=True, nargs=2, metavar="FILE",
                       help="COCO results: is the second better than the first?")
    files.add_argument("--classes", nargs="+", default=(), metavar="NAME", help="of these classes (default: all)")
    _add_common(files)
    files.set_defaults(run=_compare_files)
    runs = commands.add_parser("compare-runs", help="compare two runs of a study: sizes, detectors, draws or seeds",
                               description="Is one run of a study better than another, or are the images too few to "
                                           "tell?", epilog=RUNS)
    add_study_arguments(runs)
    runs.add_argument("dataset", metavar="DATASET", help="name of a data set in CONFIG")
    runs.add_argument("detector", metavar="DETECTOR", help="name of a detector in CONFIG")
    runs.add_argument("fractions", metavar="FRACTION", type=float, nargs=2,
                      help="per cent of the training images: is the second better than the first?")
    runs.add_argument("draw", metavar="DRAW", type=int, nargs="?", default=0, help="which order (default: 0)")
    runs.add_argument("training_seed", metavar="SEED", type=int, nargs="?", default=0,
                      help="of the training (default: 0)")
    for what, kind in (("detector", str), ("draw", int), ("seed", int)):
        runs.add_argument(f"--other-{what}", type=kind, metavar=what.upper(),
                          help=f"{what} of the second run (default: that of the first)")
    runs.add_argument("--searched", action="store_true", help="compare runs with searched hyperparameters")
    runs.add_argument("--other-searched", action="store_true", help="the second run is one, the first is not")
    _add_common(runs)
    runs.set_defaults(run=_compare_runs)


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_resamples(parser, default=1000)
    add_json(parser, "a table, with values in [0, 1]")


def _compare_files(arguments: argparse.Namespace) -> dict[str, Any]:
    check_resamples(arguments)
    if len({Path(path).resolve() for path in arguments.detections}) == 1:
        raise InputError(f"{arguments.detections[1]}: given twice to --detections; give two different files")
    from evaluate.truth import read_truth

    truth, others = read_truth(arguments.truth, arguments.classes)
    rows = _compare(truth, arguments.detections, arguments, others)
    return _print(rows, truth, _short_names(*arguments.detections), arguments.json)


def _compare_runs(arguments: argparse.Namespace) -> dict[str, Any]:
    check_resamples(arguments)
    study, folder = open_study(arguments)
    pair = _find_pair(study, arguments)
    if pair[0] == pair[1]:
        raise InputError(f"{pair[0]}: given twice; give two different fractions, or --other-detector, --other-draw, "
                         "--other-seed or --other-searched")
    for cell in pair:
        if not is_finished(study, folder, cell):
            raise InputError(f"{cell}: not evaluated by this version yet, or its inputs changed; run "
                             "train/train_subset.sh and evaluate/evaluate_subset.sh first")
    truth = read_validation(find_dataset(study, arguments.dataset))
    rows = _compare(truth, [str(folder.run(cell).detections) for cell in pair], arguments)
    return _print(rows, truth, _cell_names(*pair), arguments.json, [_noise(study, folder, cell) for cell in pair])


def _find_pair(study: Study, arguments: argparse.Namespace) -> list[Cell]:
    first = {"detector": arguments.detector, "draw": arguments.draw, "seed": arguments.training_seed,
             "searched": arguments.searched}
    second = {what: own if (given := getattr(arguments, f"other_{what}")) is None else given
              for what, own in first.items() if what != "searched"}
    second["searched"] = arguments.searched or arguments.other_searched
    return [find_cell(study, argparse.Namespace(dataset=arguments.dataset, fraction=fraction, **rest))
            for fraction, rest in zip(arguments.fractions, (first, second))]


def _cell_names(one: Cell, other: Cell) -> list[str]:
    """Return names for two cells of what tells them apart."""
    parts = [(f"{fraction_key(c.fraction)} %", c.detector, f"draw {c.draw}", f"seed {c.seed}",
              "searched" if c.searched else "not searched") for c in (one, other)]
    differ = [a != b for a, b in zip(*parts)]
    return [" ".join(part for part, told in zip(own, differ) if told) for own in parts]


def _compare(truth: Annotations, paths: list[str], arguments: argparse.Namespace,
             others: Collection[int] = ()) -> list[DifferenceRow]:
    from evaluate.detections import read_detections

    detections = [read_detections(path, truth, others) for path in paths]
    from evaluate.coco import score  # numba takes longer to load than a mistake to be found
    from evaluate.compare import compare

    one, other = (score(truth, each) for each in detections)
    return compare(one, other, arguments.resamples, arguments.resample_seed)


def _noise(study: Study, folder: StudyFolder, cell: Cell) -> RunNoise:
    """Return how far the study's runs of the cell's size lie apart in AP."""
    from evaluate.verdict import RunNoise
    from study.results import spreads

    seeds, draws = spreads(study, folder, cell, "AP")
    return RunNoise(seeds, draws)


def _print(rows: list[DifferenceRow], truth: Annotations, names: list[str], as_json: bool,
           noise: list[RunNoise] | None = None) -> dict[str, Any]:
    from evaluate.verdict import describe_noise, format_differences, verdict

    said = verdict(rows[0], names[0], names[1], truth.num_images, noise or ())
    if as_json:
        return {"first": names[0], "second": names[1], "images": truth.num_images, "verdict": said, "differences": rows}
    print(said)
    for name, each in zip(names, noise or ()):
        print(describe_noise(name, rows[0]["metric"], each))
    print(f"\n{format_differences(rows, names[0], names[1])}")
    return {}


def _short_names(one: str, other: str) -> list[str]:
    """Return two paths without the folders that both start with, and without the names that both end with."""
    parts = [list(Path(path).absolute().with_suffix("").parts) for path in (one, other)]
    for end in (0, -1):
        while parts[0] and parts[1] and parts[0][end] == parts[1][end]:
            for names in parts:
                names.pop(end)
    return ["/".join(names) or path for names, path in zip(parts, (one, other))]  # one may lie above the other
