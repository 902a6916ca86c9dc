"""``python -m train CONFIG DATASET DETECTOR FRACTION [DRAW [SEED]]``: train one cell of a study.

Records are made first where they are missing. A finished training is left alone; one that was killed goes on from
its last checkpoint. With --searched it is the cell whose hyperparameters are searched first, unless that is done.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from typing import Any

import msgspec

from datasets.errors import command
from datasets.parser import Parser, add_json, answering, count
from detectors.checkpoints.zoo import provide
from study.command import add_cell_arguments, add_study_arguments, find_cell, open_study
from study.config import Study, find_dataset, find_detector
from study.data import require_data
from study.failure import noted
from study.layout import StudyFolder
from study.lock import hold
from study.matrix import Cell

EXAMPLES = """examples:
  python -m train configs/studies/embedded.yaml digits ssd_mobilenet_v2_small 10
  python -m train configs/studies/embedded.yaml digits ssd_mobilenet_v2_small 1 1 0 --evaluate  # draw 1, seed 0
"""


@command
def main(argv: list[str] | None = None) -> None:
    arguments = make_parser().parse_args(argv)
    arguments.searched |= arguments.search
    with answering(arguments) as answer:
        answer |= run(arguments)


def make_parser() -> Parser:
    parser = Parser(prog="python -m train", description=__doc__, epilog=EXAMPLES)
    add_study_arguments(parser)
    add_cell_arguments(parser)
    parser.add_argument("--evaluate", action="store_true", help="evaluate in the same process afterwards")
    parser.add_argument("--wait", action="store_true", help="wait for another process that has this run in hand")
    search = parser.add_argument_group("the search of the cell's hyperparameters")
    search.add_argument("--search", action="store_true", help="search them and do no more; implies --searched")
    search.add_argument("--address", metavar="HOST:PORT", default="",
                        help="of a running Ray cluster (default: one of this machine alone)")
    search.add_argument("--cpus", metavar="N", type=count, help="CPUs of each trial, where there are no GPUs")
    add_json(parser)
    return parser


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train the cell, or search its hyperparameters, and return what came of it as plain values."""
    study, folder = open_study(arguments)
    cell = find_cell(study, arguments)
    provide(find_detector(study, cell.detector).checkpoint)
    lock = hold(folder.run(cell).lock, f"train {cell}", arguments.wait)
    alone = study.runtime.distribution != "multi_worker"
    place = folder.run(cell)
    with lock if alone else nullcontext(), noted(place) if alone else nullcontext():  # before TensorFlow's long start
        require_data(study, folder, find_dataset(study, cell.dataset))
        from detectors.runtime import start

        device = start()
        if arguments.search or (cell.searched and alone):
            _search(study, folder, cell, arguments.address, arguments.cpus)
        if arguments.search:
            return {"run": msgspec.to_builtins(cell)}
        print(device, flush=True)
        from train import strategy

        chief = strategy.is_chief(strategy.prepare(study.runtime))
        mine = chief and not alone
        with lock if mine else nullcontext(), noted(place) if mine else nullcontext():
            return _train(study, folder, cell, device, arguments.evaluate and chief)


def _search(study: Study, folder: StudyFolder, cell: Cell, address: str, cpus: int | None) -> None:
    from records.prepare import prepare
    from train.search import search_cell

    prepare(study, folder, find_dataset(study, cell.dataset))
    search_cell(study, folder, cell, address, cpus)


def _train(study: Study, folder: StudyFolder, cell: Cell, device: str, evaluate: bool) -> dict[str, Any]:
    from evaluate.run import evaluate_cell
    from evaluate.table import summary_line
    from records.prepare import prepare
    from train.run import train_cell

    prepare(study, folder, find_dataset(study, cell.dataset))
    training = train_cell(study, folder, cell, device)
    print(f"{cell}: trained {training.steps} steps on {training.images} images in {training.seconds:.0f} s")
    answer = {"run": msgspec.to_builtins(cell), "steps": training.steps, "images": training.images,
              "seconds": training.seconds}
    if not evaluate:
        return answer
    metrics = evaluate_cell(study, folder, cell)["metrics"]
    print(f"{cell}: {summary_line(metrics)}")
    return answer | {"metrics": metrics}


if __name__ == "__main__":
    sys.exit(main())
