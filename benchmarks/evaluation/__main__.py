"""What evaluation costs: `python -m benchmarks.evaluation`.

From COCO files of 5,000 images and 494,000 detections to the twelve figures and AP per class: pycocotools, this
project's `evaluate.coco.score`, and others of pycocotools' interface where they can be imported; then 1,000 bootstrap
resamples. Every way is a process of its own in every round, so that its peak memory is its own; they take turns. Then
detection of a validation set from records beside the bare network.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from benchmarks.evaluation.contenders import importable
from benchmarks.evaluation.table import (
    BOOTSTRAP,
    OURS,
    REFERENCE,
    Cost,
    Finding,
    detection_table,
    differences,
    findings_table,
    scoring_table,
)
from benchmarks.training.rounds import Ratio, ratio
from datasets.errors import command
from datasets.parser import Parser, count

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("scoring", "detection")
PACKAGES = ("numpy", "numba", "pycocotools", "tensorflow", "hotcoco", "faster-coco-eval")
FASTER, SMALLER, RESAMPLED, DETECTED = 50, 1 / 3, 0.1, 0.9  # the goals


def run(module: str, *arguments: object, cache: Path | None = None, numba: str = "numba") -> str:
    """Return what `module` prints, run in a process that keeps what it compiles, bytecode too, in `cache`."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if cache:
        environment |= {"NUMBA_CACHE_DIR": str(cache / numba), "PYTHONPYCACHEPREFIX": str(cache / "bytecode")}
    command = [sys.executable, "-m", f"benchmarks.evaluation.{module}", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def measure(name: str, folder: Path, resamples: int, numba: str = "numba") -> Cost:
    """Run the contender `name` once, with numba's cache of that name."""
    began = time.perf_counter()
    printed = run("contenders", name, folder, resamples, cache=folder, numba=numba)
    return Cost(**json.loads(printed), process=time.perf_counter() - began)


def compare_scoring(folder: Path, images: int, rounds: int, resamples: int) -> tuple[list[Finding], list[str]]:
    """Print what each way to the figures costs; return the ratios, and the figures in which ours are wrong."""
    print(run("material", folder, images).strip(), flush=True)
    names = [*importable(), BOOTSTRAP, OURS]
    for name in (OURS, BOOTSTRAP):
        measure(name, folder, resamples)  # uncounted, to fill the caches
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            costs[name].append(measure(name, folder, resamples))
    usual = statistics.median(cost.importing for cost in costs[OURS])
    first = measure(OURS, folder, resamples, "empty").importing - usual
    print(f"\n{scoring_table(costs)}\n\nbootstrap: {resamples:,} resamples of AP and AP50, overall and per class; its "
          "reading includes scoring. Processes include imports, and the loading of compiled code, which is cached: "
          f"an installation's first scoring compiles for {first:.1f} s more", flush=True)
    wrong = {figure for cost in costs[OURS] for figure in differences(cost.values, costs[REFERENCE][0].values)}
    return scoring_findings(costs), sorted(wrong)


def scoring_findings(costs: dict[str, list[Cost]]) -> list[Finding]:
    """Return how ours compares with the reference."""
    reference, ours, bootstrap = (costs[name] for name in (REFERENCE, OURS, BOOTSTRAP))
    return [
        Finding("pycocotools / ours, files to figures",
                ratio([c.total for c in reference], [c.total for c in ours]), FASTER, False),
        Finding("pycocotools / ours, evaluating alone",
                ratio([c.evaluating for c in reference], [c.evaluating for c in ours]), FASTER, False),
        Finding("pycocotools / ours, whole process",
                ratio([c.process for c in reference], [c.process for c in ours]), None, False),
        Finding("ours / pycocotools, peak memory",
                ratio([c.megabytes for c in ours], [c.megabytes for c in reference]), SMALLER, True),
        Finding("ours / pycocotools, memory over imports",
                ratio([c.megabytes - c.import_megabytes for c in ours],
                      [c.megabytes - c.import_megabytes for c in reference]), SMALLER, True),
        Finding("bootstrap / pycocotools evaluating once",
                ratio([c.evaluating for c in bootstrap], [c.evaluating for c in reference]), RESAMPLED, True),
    ]


def compare_detection(arguments: Sequence[object]) -> list[Finding]:
    """Print what detection costs; return how its rate compares with the network's."""
    measured = json.loads(run("detection", *arguments))
    print(f"\n{measured['text']}\n\n{detection_table(measured)}", flush=True)
    return [Finding("rate of detection from records / in memory", Ratio(**measured["rate"]), DETECTED, False)]


def machine() -> str:
    """Return what the figures depend on, on one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = [f"{package} {metadata.version(package)}" for package in PACKAGES if _installed(package)]
    return f"{cores} cores, load before {os.getloadavg()[0]:.1f}; Python {platform.python_version()}, " \
           + ", ".join(versions)


def _installed(package: str) -> bool:
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def make_parser() -> Parser:
    parser = Parser(prog="python -m benchmarks.evaluation", description=__doc__,
                    epilog="example:\n  python -m benchmarks.evaluation --parts scoring --num-images 1000\n")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="of the benchmark (default: both)")
    parser.add_argument("--num-images", type=count, default=5000, metavar="N", help="to score (default: 5000)")
    parser.add_argument("--rounds", type=count, default=3, metavar="N", help="turns of scoring (default: 3)")
    parser.add_argument("--resamples", type=count, default=1000, metavar="N",
                        help="bootstrap resamples (default: 1000)")
    parser.add_argument("--detection-rounds", type=count, default=9, metavar="N",
                        help="turns of each side of detection (default: 9)")
    parser.add_argument("--annotations", type=Path, metavar="PATH",
                        help="of a data set to detect in (default: painted letters)")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="that its file names start from")
    return parser


@command
def main(argv: list[str] | None = None) -> int:
    parser = make_parser()
    arguments = parser.parse_args(argv)
    if (arguments.annotations is None) != (arguments.images is None):
        parser.error("--annotations and --images belong together")
    print(machine(), flush=True)
    findings, wrong = [], []
    if "scoring" in arguments.parts:
        with tempfile.TemporaryDirectory() as folder:
            findings, wrong = compare_scoring(Path(folder), arguments.num_images, arguments.rounds,
                                              arguments.resamples)
    if "detection" in arguments.parts:
        data = ("--annotations", arguments.annotations, "--images", arguments.images)
        findings += compare_detection(["--rounds", arguments.detection_rounds,
                                       *(data if arguments.annotations else ())])
    print(f"\n{findings_table(findings)}")
    if wrong:
        print(f"error: ours is not pycocotools' in {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
