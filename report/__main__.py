"""Write a study's report: `python -m report STUDY_DIR`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from datasets.errors import command
from study.layout import StudyFolder


@command
def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m report", description="Write report.html of a study: one page, "
                                     "self-contained.", epilog="example: python -m report studies/digits")
    parser.add_argument("study", type=Path, metavar="STUDY_DIR", help="the study's folder")
    args = parser.parse_args(argv)
    from report.page import write_report  # after the arguments: it imports matplotlib and pandas

    print(f"written: {write_report(StudyFolder(args.study))}")


if __name__ == "__main__":
    sys.exit(main())
