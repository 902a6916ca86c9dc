"""How soon a command answers what needs no computing: `python -m benchmarks.command_line`.

--help and a mistake of every command, each in a process of its own: wall seconds from the shell, the median of the
rounds, in which all take turns. The mistakes are those that a person makes: a file that is not there, a key that is
misspelt, a name that the study does not have.
"""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.evaluation.table import table
from datasets.errors import command
from datasets.parser import Parser, count
from study.config import REPOSITORY

GOAL = 1.0  # seconds
STUDY = "configs/studies/embedded.yaml"
CELL = "digits ssd_mobilenet_v2_small"
PUBLISHED = "predict/data/published_2019.csv"
MISTAKES = {  # command -> its arguments; {folder} is empty but for key.yaml, a study with a misspelt key
    "create_subsets.py": "--annotations no.json --out {folder}",
    "category_prevalence.py": "--annotations no.json --out {folder}",
    "run_study.py": "{folder}/key.yaml",
    "-m datasets check": "--annotations no.json",
    "-m records": "{folder}/key.yaml",
    "-m detectors describe": "no",
    "-m detectors export": "no {folder}/to --num-classes 3",
    "-m train": f"{STUDY} {CELL} 11 --studies {{folder}}",
    "-m evaluate score": "--truth no.json --detections no.json",
    "-m evaluate run": f"{STUDY} {CELL} 10 --studies {{folder}}",
    "-m evaluate compare-runs": f"{STUDY} {CELL} 5 10 --studies {{folder}}",
    "-m evaluate pictures": "--truth no.json --detections no.json --out {folder}",
    "-m evaluate pictures-run": f"{STUDY} {CELL} 10 --studies {{folder}}",
    "-m predict forecast": "no.csv",
    "-m predict survey": f"{PUBLISHED} --models no",
    "-m predict compare": "no.csv",
    "-m report": "no",
    "-m study collect": "no",
}
SCRIPTS = {"train/train_subset.sh": f"{STUDY} {CELL} 11 --studies {{folder}}",
           "evaluate/evaluate_subset.sh": f"{STUDY} {CELL} 10 --studies {{folder}}"}


def lines(folder: Path) -> Iterator[tuple[str, str, list[str], int]]:
    """Yield command, what is asked of it, the words that a shell runs, and the exit status it is to have."""
    for name, mistake in (MISTAKES | SCRIPTS).items():
        start = [str(REPOSITORY / name)] if name in SCRIPTS else [sys.executable, *shlex.split(name)]
        yield name, "--help", [*start, "--help"], 0
        yield name, "a mistake", [*start, *shlex.split(mistake.format(folder=folder))], 2


def seconds(words: list[str], status: int) -> float:
    """Return the wall seconds that a command takes to end with `status`."""
    began = time.perf_counter()
    ended = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True)
    took = time.perf_counter() - began
    if ended.returncode != status:
        raise RuntimeError(f"{shlex.join(words)}: ended with {ended.returncode}, not {status}: {ended.stderr}")
    return took


def make_parser() -> Parser:
    parser = Parser(prog="python -m benchmarks.command_line", description=__doc__,
                    epilog="example:\n  python -m benchmarks.command_line --rounds 3\n")
    parser.add_argument("--rounds", type=count, default=5, metavar="N", help="turns of every command (default: 5)")
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    rounds = make_parser().parse_args(argv).rounds
    print(f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}; {rounds} rounds", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "key.yaml").write_text((REPOSITORY / STUDY).read_text(encoding="utf-8") + "\nseads: 3\n")
        asked = list(lines(Path(folder)))
        took = [[seconds(words, status) for _, _, words, status in asked] for _ in range(rounds + 1)][1:]
    medians = {(name, what): statistics.median(each) for (name, what, *_), each in zip(asked, zip(*took))}
    names = list(dict.fromkeys(name for name, _ in medians))
    print(table(("seconds to", "--help", "a mistake"),
                [[name, *(f"{medians[name, what]:.2f}" for what in ("--help", "a mistake"))] for name in names]))
    slowest = max(medians, key=medians.__getitem__)
    print(f"\nslowest: {' '.join(slowest)}, {medians[slowest]:.2f} s; goal {GOAL:g} s")
    return int(medians[slowest] > GOAL)


if __name__ == "__main__":
    sys.exit(main())
