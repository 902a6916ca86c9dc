"""``python -m study collect STUDY``: make results.csv anew from the result files of a study's runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from datasets.errors import InputError, command
from datasets.parser import Parser, add_json, answering
from study.command import add_study_arguments, open_study
from study.config import Study
from study.layout import StudyFolder
from study.load import read_study
from study.matrix import cells

EXAMPLES = """examples:
  python -m study collect studies/embedded
  python -m study collect configs/studies/embedded.yaml

CONFIG may also be the folder of a study.
"""


@command
def main(argv: list[str] | None = None) -> None:
    arguments = make_parser().parse_args(argv)
    with answering(arguments) as answer:
        answer |= arguments.run(arguments)


def make_parser() -> Parser:
    parser = Parser(prog="python -m study", description="A study's own files.", epilog=EXAMPLES)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    collecting = commands.add_parser("collect", help="make results.csv anew from the result files", description=__doc__,
                                     epilog=EXAMPLES)
    add_study_arguments(collecting)
    add_json(collecting)
    collecting.set_defaults(run=_collect)
    return parser


def _collect(arguments: argparse.Namespace) -> dict[str, Any]:
    study, folder = _open(arguments)
    from study.results import collect  # after the arguments: it imports pandas

    table, runs = collect(study, folder), cells(study)
    done = sum(folder.run(cell).result.exists() for cell in runs)
    print(f"{folder.results}: {len(table)} rows of {done} runs"
          + (f"; {len(runs) - done} of {len(runs)} have no result yet" if done < len(runs) else ""))
    return {"results": folder.results, "rows": len(table), "done": done, "runs": len(runs)}


def _open(arguments: argparse.Namespace) -> tuple[Study, StudyFolder]:
    """Return the study that a folder or a configuration names; neither is written to."""
    path = Path(arguments.config)
    if not path.is_dir():
        return open_study(arguments, write=False)
    if arguments.data or arguments.name:
        raise InputError(f"{path}: a study's folder has its name and its data; --name and --data go with a "
                         "configuration")
    folder = StudyFolder(path)
    if not folder.config.exists():
        raise InputError(f"{folder.config}: not there, so this is no study's folder; give one, or a configuration")
    return read_study(folder.config), folder


if __name__ == "__main__":
    sys.exit(main())
