"""``python -m train CONFIG DATASET DETECTOR FRACTION [DRAW [SEED]]``: train one cell of a study.

Records are made first where they are missing. A finished training is left alone; one that was killed goes on from
its last checkpoint.
"""

from __future__ import annotations

import argparse
import sys

from datasets.errors import command
from detectors.checkpoints.zoo import provide
from study.command import add_cell_arguments, add_study_arguments, find_cell, open_study
from study.config import find_dataset, find_detector


@command
def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    add_study_arguments(parser)
    add_cell_arguments(parser)
    parser.add_argument("--evaluate", action="store_true", help="evaluate in the same process afterwards")
    arguments = parser.parse_args(argv)
    study, folder = open_study(arguments)
    cell = find_cell(study, arguments)
    provide(find_detector(study, cell.detector).checkpoint)
    from detectors.runtime import start

    device = start()
    print(device, flush=True)
    from evaluate.run import evaluate_cell
    from records.prepare import prepare
    from train import strategy
    from train.run import train_cell

    devices = strategy.prepare(study.runtime)
    prepare(study, folder, find_dataset(study, cell.dataset))
    training = train_cell(study, folder, cell, device)
    print(f"{cell}: trained {training.steps} steps on {training.images} images in {training.seconds:.0f} s")
    if arguments.evaluate and strategy.is_chief(devices):
        from evaluate.table import summary_line

        print(f"{cell}: {summary_line(evaluate_cell(study, folder, cell)['metrics'])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
