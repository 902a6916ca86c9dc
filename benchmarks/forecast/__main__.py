"""What the forecasts are worth: `python -m benchmarks.forecast`.

All estimators side by side on every curve that is known to the end: the four published in 2019 and ten more of the
literature, and the scaling-law benchmark. One default for all, no setting per curve. At the end, the default's figures
beside their goals.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path

from benchmarks.evaluation.table import table
from benchmarks.forecast.ablation import ablation
from benchmarks.forecast.detection import intervals, panel, published
from benchmarks.forecast.goals import Goal
from benchmarks.forecast.scaling import scaling
from benchmarks.forecast.settings import settings
from benchmarks.forecast.speed import speed
from datasets.errors import command
from datasets.parser import Parser
from predict.tables import write_rows

PARTS = {"published": published, "panel": panel, "intervals": intervals, "scaling": scaling, "settings": settings,
         "ablation": ablation, "speed": speed}


def make_parser() -> Parser:
    parser = Parser(prog="python -m benchmarks.forecast", description=__doc__,
                    epilog="example:\n  python -m benchmarks.forecast --parts published speed\n")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS),
                        help="of the benchmark (default: all)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write every forecast to forecasts.csv there")
    return parser


@command
def main(argv: list[str] | None = None) -> None:
    args = make_parser().parse_args(argv)
    print(f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}; Python {platform.python_version()}, NumPy "
          f"{metadata.version('numpy')}", flush=True)
    began, rows, goals = time.perf_counter(), [], []
    for part in dict.fromkeys(args.parts):
        goals += PARTS[part](rows)
    print(f"\n{goal_table(goals)}\n\n{time.perf_counter() - began:.0f} seconds")
    if args.out and rows:
        write_rows(args.out / "forecasts.csv", rows)
        print(f"written: {args.out}/forecasts.csv")


def goal_table(goals: list[Goal]) -> str:
    """Return a row per goal; errors and widths are in points of mAP."""
    return table(("figure of the default", "measured", "goal", "reached"), [goal.cells() for goal in goals])


if __name__ == "__main__":
    sys.exit(main())
