"""From an annotation file of real size to 13 nested subsets, in several ways: `python -m benchmarks.annotations`.

Every way is a process of its own, start and imports included, so that its peak memory is its own. The quick ways
take turns, `--rounds` times; the slow ones run once. The scan reads the file and counts one key in it.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.scale.__main__ import WRITERS
from datasets.errors import command
from datasets.parser import Parser, count

ROOT = Path(__file__).resolve().parent.parent
FRACTIONS = [str(f) for f in (1, 2.5, 5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 100)]  # per cent
SCAN = "import sys; print(open(sys.argv[1], 'rb').read().count(sys.argv[2].encode()))"
OUT = "{out}"
T = TypeVar("T")


@dataclass(frozen=True)
class Way:
    """One way to the subsets: a command, in which OUT stands for the folder of its output."""

    name: str
    command: tuple[str, ...]
    slow: bool = False


@dataclass(frozen=True)
class Cost:
    seconds: float  # of the wall clock, from the process's start to its end
    busy: float  # seconds of processor time, which other work on the machine disturbs less
    megabytes: float  # peak resident memory, pages of mapped files included


def ways(kind: str, path: Path) -> list[Way]:
    """Return the scan, ours and the others for the file `path` of the kind "coco" or "bdd"."""
    python, file = sys.executable, str(path)
    ours = (python, "create_subsets.py", "--annotations", file, "--fractions", *FRACTIONS,
            "--class-map", "voc" if kind == "coco" else "bdd", "--out", OUT)
    others = {name: (python, "-m", "benchmarks.published", name, file, "--fractions", *FRACTIONS, "--out", OUT)
              for name in ("published", "mended", "json", "pycocotools")}
    found = [Way("scan", (python, "-c", SCAN, file, '"bbox"' if kind == "coco" else '"box2d"')),
             Way("start and imports of ours", (python, "-c", "import create_subsets")),
             Way("ours: manifest and arrays", ours),
             Way("ours: 13 JSON files", (*ours, "--write-json"))]
    if kind == "coco":
        found += [Way("json, boxes alone, 13 files", others["json"], slow=True),
                  Way("pycocotools, nothing written", others["pycocotools"], slow=True),
                  Way("published, pairs mended", others["mended"], slow=True)]
    return [*found, Way("published as it is", others["published"], slow=True)]


def run(way: Way) -> Cost:
    """Run one way in a new folder, removed afterwards. Raises SystemExit if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        command = [folder if word == OUT else word for word in way.command]
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)  # this child's own usage, not the largest of all
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{way.name}: ended with {process.returncode}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


def measure(kind: str, path: Path, repeats: int, quick: bool) -> None:
    """Print what every way costs, and its ratios."""
    listed = [way for way in ways(kind, path) if not (quick and way.slow)]
    run(listed[0])  # once uncounted, to fill the disk's cache
    load = os.getloadavg()[0]
    print(f"\n{path.name}, {path.stat().st_size / 1e6:.0f} MB, {len(FRACTIONS)} subsets; {repeats} turns, medians; "
          f"load before {load:.1f} on {os.cpu_count()} cores", flush=True)
    costs: dict[str, list[Cost]] = {way.name: [] for way in listed}
    for turn in range(repeats):
        for way in listed:
            if turn == 0 or not way.slow:
                costs[way.name].append(run(way))
    print_table(costs, [name for name in ("published as it is", "published, pairs mended") if name in costs])


def print_table(costs: dict[str, list[Cost]], yardsticks: Sequence[str]) -> None:
    """Print a line per way: seconds, memory, times the scan, and how often it fits into each of `yardsticks`.

    Seconds are medians. Ratios to the scan are medians over the turns, ratios to `yardsticks` are of medians, because
    these run but once.
    """
    middle = {name: statistics.median(cost.seconds for cost in taken) for name, taken in costs.items()}
    print(f"{'':30}{'seconds':>9}{'(from - to)':>18}{'CPU':>8}{'MB':>7}{'x scan':>8}{'of CPU':>8}"
          + "".join(f"{name + ' / it':>31}" for name in yardsticks))
    for name, taken in costs.items():
        times, turns = [cost.seconds for cost in taken], list(zip(taken, costs["scan"]))
        print(f"{name:30}{middle[name]:9.2f}{f'({min(times):.2f} - {max(times):.2f})':>18}"
              f"{statistics.median(cost.busy for cost in taken):8.2f}{max(cost.megabytes for cost in taken):7.0f}"
              f"{statistics.median(cost.seconds / scan.seconds for cost, scan in turns):8.2f}"
              f"{statistics.median(cost.busy / scan.busy for cost, scan in turns):8.2f}"
              + "".join(f"{middle[other] / middle[name]:31.1f}" for other in yardsticks), flush=True)


def stages(path: Path) -> None:
    """Print the seconds of the steps within one process, on all classes: reading, orders, prevalence."""
    from datasets.orders.order import hash_order  # here, for the parent stays small while its children are measured
    from datasets.orders.strategies import balanced_order
    from datasets.orders.stratify import stratified_order
    from datasets.prevalence.count import tabulate
    from datasets.read import read

    print(f"\nwithin one process, {path.name}, all classes (seconds)")
    annotations, _ = timed("reading", lambda: read(path))
    hashed = timed("random order", lambda: hash_order(annotations.file_names, 0))
    timed("stratified order", lambda: stratified_order(annotations, hashed))
    timed("balanced order", lambda: balanced_order(annotations, hashed))
    timed("prevalence of every subset", lambda: tabulate(annotations, list(map(float, FRACTIONS)), positions=hashed))


def timed(name: str, work: Callable[[], T]) -> T:
    """Return the result of `work` and print its seconds."""
    began = time.perf_counter()
    result = work()
    print(f"{name:30}{time.perf_counter() - began:9.2f}", flush=True)
    return result


def generate(kind: str, folder: Path) -> Path:
    """Return the file of `kind` in `folder`, written there unless it is there.

    By a process of its own, because a child's peak memory counts its parent's up to the moment it starts.
    """
    path = folder / WRITERS[kind][1]
    if not path.exists():
        subprocess.run([sys.executable, "-m", "benchmarks.scale", kind, str(folder)], cwd=ROOT, check=True)
    return path


def make_parser() -> Parser:
    parser = Parser(prog="python -m benchmarks.annotations", description=__doc__,
                    epilog="example:\n  python -m benchmarks.annotations --kinds coco --quick\n")
    parser.add_argument("--kinds", nargs="+", choices=("coco", "bdd"), default=("coco", "bdd"),
                        help="of annotation files (default: both)")
    parser.add_argument("--rounds", type=count, default=3, metavar="N", help="turns of the quick ways (default: 3)")
    parser.add_argument("--quick", action="store_true", help="leave out the slow ways: published, json, pycocotools")
    parser.add_argument("--folder", type=Path, metavar="FOLDER",
                        help="keep the generated files here (default: remove them)")
    return parser


@command
def main(argv: list[str] | None = None) -> None:
    args = make_parser().parse_args(argv)
    folder = (args.folder or Path(tempfile.mkdtemp())).resolve()
    try:
        paths = {kind: generate(kind, folder) for kind in args.kinds}
        for kind, path in paths.items():
            measure(kind, path, args.rounds, args.quick)
        if "coco" in paths:
            stages(paths["coco"])
    finally:
        if not args.folder:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
