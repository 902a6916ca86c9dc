"""``python -m report FOLDER``: write report.html of a study, one page, self-contained."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from datasets.errors import InputError, command
from datasets.parser import Parser, add_json, answering

EXAMPLES = """example:
  python -m report studies/embedded
"""


@command
def main(argv: list[str] | None = None) -> None:
    arguments = make_parser().parse_args(argv)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads would wait for small products, and hold up others
    from study.layout import StudyFolder  # imports NumPy

    folder = StudyFolder(arguments.study)
    if not folder.results.exists():
        raise InputError(f"{folder.results}: no results to report; run the study first")
    with answering(arguments) as answer:
        from report.page import write_report  # imports matplotlib and pandas

        answer["report"] = write_report(folder)
        print(f"written: {answer['report']}")


def make_parser() -> Parser:
    parser = Parser(prog="python -m report", description="Write report.html of a study: one page, self-contained.",
                    epilog=EXAMPLES)
    parser.add_argument("study", type=Path, metavar="FOLDER", help="the study's folder")
    add_json(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
