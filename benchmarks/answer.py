"""How long a first forecast takes, from the shell: `python -m benchmarks.answer`.

Beside it, in turn, what a notebook user pays before the first line of work: importing pandas and SciPy's optimiser.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from datasets.errors import command
from datasets.parser import Parser

FORECAST = [sys.executable, "-m", "predict", "forecast", "predict/data/published_2019.csv", "--fit-up-to", "5"]
IMPORTS = [sys.executable, "-c", "import pandas, scipy.optimize"]
ROUNDS = 7


def seconds(command: list[str]) -> float:
    """Return the wall seconds of one run of `command`."""
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - began


def make_parser() -> Parser:
    return Parser(prog="python -m benchmarks.answer", description=__doc__,
                  epilog="example:\n  python -m benchmarks.answer\n")


@command
def main(argv: list[str] | None = None) -> None:
    make_parser().parse_args(argv)
    seconds(FORECAST), seconds(IMPORTS)  # once uncounted, to fill the disk's cache
    pairs = [(seconds(FORECAST), seconds(IMPORTS)) for _ in range(ROUNDS)]
    forecast, imports = (statistics.median(column) for column in zip(*pairs))
    print(f"forecast of four curves: {forecast:.2f} s; import pandas, scipy.optimize: {imports:.2f} s; "
          f"median ratio {statistics.median(a / b for a, b in pairs):.2f} ({ROUNDS} pairs)")


if __name__ == "__main__":
    sys.exit(main())
