"""``python -m study collect STUDY``: make results.csv anew from the result files of a study's runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from datasets.errors import InputError, command
from study.command import add_study_arguments, open_study
from study.config import Study, read_study
from study.layout import StudyFolder
from study.matrix import cells


@command
def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m study", description="A study's own files.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    collecting = commands.add_parser("collect", help="make results.csv anew from the result files", description=__doc__)
    add_study_arguments(collecting)
    collecting.epilog = "CONFIG may also be the folder of a study, such as studies/embedded."
    collecting.set_defaults(run=_collect)
    arguments = parser.parse_args(argv)
    return arguments.run(arguments)


def _collect(arguments: argparse.Namespace) -> int:
    from study.results import collect  # after the arguments: it imports pandas

    study, folder = _open(arguments)
    table, runs = collect(study, folder), cells(study)
    done = sum(folder.run(cell).result.exists() for cell in runs)
    print(f"{folder.results}: {len(table)} rows of {done} runs"
          + (f"; {len(runs) - done} of {len(runs)} have no result yet" if done < len(runs) else ""))
    return 0


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
