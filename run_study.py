"""Run a whole study: subsets, records, every training and evaluation, the forecast and the report.

Stages that are done are left alone: give the same command again after an interruption, or to see that all is done.
Small subsets come first, and after every run forecast and report are renewed. For data of one's own, --init writes
the study file.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from datasets.errors import command
from datasets.files import remove_parts
from datasets.parser import Parser, add_json, count, number, print_json
from engine.choose import add_choice, choose
from study.command import add_study_arguments, open_study, write_study
from study.config import Study
from study.identity import refuse_changed_study
from study.layout import StudyFolder
from study.load import load_study
from study.lock import hold
from study.matrix import Cell, cells

EXAMPLES = """examples:
  python run_study.py configs/studies/embedded.yaml
  python run_study.py configs/studies/coco.yaml --data coco=FOLDER --dry-run
  python run_study.py CONFIG --until-width 3      # stop once the forecast is as sharp as that
  python run_study.py CONFIG --address HOST:6379  # on a Ray cluster
  python run_study.py CONFIG --status --json
  python run_study.py --init FOLDER --write cells.yaml
"""


@command
def main(argv: list[str] | None = None) -> int:
    arguments = parse(argv)
    if arguments.init:
        return begin(arguments)
    study, folder = open_study(arguments, write=False)
    chosen = choose(cells(study), arguments)
    if arguments.dry_run or arguments.status:
        return answer(study, folder, chosen, arguments)
    # Workers of one training share the study; the chief alone writes.
    together = study.runtime.distribution == "multi_worker"
    with nullcontext() if together else hold(folder.lock, f"run_study.py {study.name}"):
        refuse_changed_study(folder, study)  # by another who held the lock until now
        write_study(study, folder)
        if arguments.list:
            return answer(study, folder, chosen, arguments)
        for place in () if together else (folder.root, folder.charts, folder.forecast):
            remove_parts(place)
        if arguments.conclude:
            return conclude(study, folder)
        return run(study, folder, chosen, arguments)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the arguments: CONFIG and what goes with it, or --init and what goes with that."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    _check(parser, arguments)
    return arguments


def make_parser() -> Parser:
    parser = Parser(prog="python run_study.py", description=__doc__, epilog=EXAMPLES)
    add_study_arguments(parser, optional=True)
    _add_running(parser)
    asked = parser.add_argument_group("instead of running").add_mutually_exclusive_group()
    asked.add_argument("--dry-run", action="store_true", help="show every run, its time from measured rates, the sum")
    asked.add_argument("--status", action="store_true", help="show what is done, running, failed and waiting")
    asked.add_argument("--list", action="store_true", help="print a command per waiting run, for a scheduler")
    asked.add_argument("--conclude", action="store_true", help="make results.csv, forecast and report of what is there")
    add_json(parser, "text, for --dry-run and --status")
    add_choice(parser)
    group = parser.add_argument_group("a study file for data of one's own, instead of CONFIG")
    group.add_argument("--init", metavar="FOLDER", type=Path,
                       help="a COCO, YOLO, VOC or BDD folder; says what is there, what it assumes, how long it takes")
    group.add_argument("--write", metavar="FILE", type=Path, help="the file to write (default: NAME.yaml)")
    group.add_argument("--no-estimate", action="store_true", help="do not measure how long it takes")
    return parser


def begin(arguments: argparse.Namespace) -> int:
    """Write the study file of a folder, and say what it is and how long it takes here."""
    from study.init.write import init

    path, text = init(arguments.init, arguments.write, arguments.name)
    print(f"{text}\n\nwrote {path}", flush=True)
    if not arguments.no_estimate:
        from detectors.runtime import start

        print("\nHow long it takes is measured now, in about a minute (--no-estimate leaves it out).", flush=True)
        print(start("measured", arguments.gpu), flush=True)
        from train.estimate import estimate

        print(estimate(load_study(path)))
    print(f"\nnext: python run_study.py {shlex.quote(str(path))}")
    return 0


def answer(study: Study, folder: StudyFolder, chosen: Sequence[Cell], arguments: argparse.Namespace) -> int:
    """Print what --dry-run, --status or --list asks for. No run is begun or changed."""
    from engine.plan import describe_plan, list_commands, measure_missing
    from engine.rows import plain, rows_of
    from engine.status import describe_status
    from study.cluster import visible_gpus
    from study.rates import measured_rates

    rates = measured_rates(study, folder)
    if arguments.dry_run and not arguments.no_estimate:
        rates = measure_missing(study, folder, rates)
    rows = rows_of(study, folder, chosen, rates)
    if arguments.list:
        print("".join(f"{line}\n" for line in list_commands(rows)), end="")
    elif arguments.json:
        print_json({"study": study.name, "folder": folder.root, "runs": plain(rows)})
    else:
        describe = describe_plan if arguments.dry_run else describe_status
        gpus = visible_gpus() if study.runtime.distribution == "one_device" else 1
        print(describe(study, folder, rows, rates, arguments.workers or max(1, gpus)))
    return 0


def run(study: Study, folder: StudyFolder, chosen: Sequence[Cell], arguments: argparse.Namespace) -> int:
    """Run the chosen cells that are not done yet and conclude; return the exit status."""
    from detectors.checkpoints.zoo import provide
    from engine.describe import describe
    from study.state import is_concluded, is_finished

    for detector in study.detectors:
        provide(detector.checkpoint)
    for dataset in study.datasets:
        describe(study, folder, dataset)
    waiting = [cell for cell in chosen if not is_finished(study, folder, cell)]
    if not waiting and is_concluded(study, folder):
        print(f"nothing to do: all {len(chosen)} runs are finished; the report is {folder.report}")
        return 0
    return finish(study, folder, waiting, arguments)


def finish(study: Study, folder: StudyFolder, waiting: Sequence[Cell], arguments: argparse.Namespace) -> int:
    """Run the cells `waiting` and conclude; return the exit status."""
    from engine.progress import Progress
    from engine.run import run_waiting
    from engine.until import until_of

    until = until_of(study, folder, arguments.until_width, arguments.until_hours)
    progress = Progress(study, folder, len(waiting), until)
    if waiting and not run_waiting(study, folder, waiting, progress, until, workers=arguments.workers,
                                   address=arguments.address, expect_gpu=arguments.gpu):
        return 0
    print(until.verdict(len(waiting) - progress.ended), end="", flush=True)
    if progress.failed:
        print(f"error: {progress.failed} of {len(waiting)} runs failed; run_study.py --status says why, and the same "
              "command tries them again", file=sys.stderr)
    if not any(folder.run(cell).result.exists() for cell in cells(study)):
        return 1 if progress.failed else 0
    return conclude(study, folder) or (1 if progress.failed else 0)


def conclude(study: Study, folder: StudyFolder) -> int:
    """Make table, forecast and report of what is there; return the exit status."""
    from engine.conclude import conclude  # imports pandas and more

    return conclude(study, folder)


def _add_running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("running")
    group.add_argument("--gpu", action="store_true", help="expect a GPU, and say so if there is none")
    group.add_argument("--workers", metavar="N", type=count,
                       help="runs at once, on Ray (default: one per GPU, else one)")
    group.add_argument("--address", metavar="HOST:PORT", default="",
                       help="of a Ray cluster (default: RAY_ADDRESS, else this machine)")
    group.add_argument("--until-width", metavar="POINTS", type=_above_0,
                       help="end a curve once its forecast's 80 %% interval is as narrow as this")
    group.add_argument("--until-hours", metavar="HOURS", type=_above_0,
                       help="begin no run that would end later than this")


def _check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """End with a message where arguments do not go together."""
    if (arguments.config is None) == (arguments.init is None):
        parser.error("give either CONFIG or --init FOLDER")
    if arguments.config and arguments.write:
        parser.error("--write goes with --init")
    if arguments.no_estimate and not (arguments.init or arguments.dry_run):
        parser.error("--no-estimate goes with --init or --dry-run")
    if arguments.init and arguments.data:
        parser.error("--data goes with CONFIG")
    if arguments.json and not (arguments.dry_run or arguments.status):
        parser.error("--json goes with --dry-run or --status")


def _above_0(text: str) -> float:
    value = number(text, "3")
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
