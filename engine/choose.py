"""Which cells of a study are meant: all, or those that arguments choose."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from fnmatch import fnmatchcase

from datasets.errors import InputError, nearest
from datasets.parser import percent
from study.matrix import Cell, fraction_key


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Add --only, --fractions, --detectors and --datasets."""
    group = parser.add_argument_group("which runs")
    group.add_argument("--only", metavar="PATTERN",
                       help='runs whose name matches, such as "digits * 10 %% draw 0*"; --dry-run shows names')
    group.add_argument("--fractions", metavar="PERCENT", type=percent, nargs="+", help="subsets of these sizes alone")
    group.add_argument("--detectors", metavar="NAME", nargs="+", help="these detectors alone")
    group.add_argument("--datasets", metavar="NAME", nargs="+", help="these data sets alone")


def choose(cells: Sequence[Cell], arguments: argparse.Namespace) -> list[Cell]:
    """Return the cells that arguments of `add_choice` choose. Raises InputError for what the study does not have."""
    chosen = list(cells)
    for what, wanted in (("dataset", arguments.datasets), ("detector", arguments.detectors)):
        chosen = _of(chosen, cells, what, wanted)
    fractions = None if arguments.fractions is None else [fraction_key(each) for each in arguments.fractions]
    chosen = _of(chosen, cells, "fraction", fractions)
    if arguments.only is not None:
        chosen = [cell for cell in chosen if fnmatchcase(str(cell), arguments.only)]
    if not chosen:
        raise InputError(f"no run of the study is chosen{f' by --only {arguments.only}' if arguments.only else ''}; "
                         f"a run is called, for example, '{cells[0]}'")
    return chosen


def _of(chosen: Sequence[Cell], cells: Sequence[Cell], what: str, wanted: Sequence[str] | None) -> list[Cell]:
    """Return the cells whose `what` is one of `wanted`, all for None."""
    if wanted is None:
        return list(chosen)
    known = list(dict.fromkeys(_spell(cell, what) for cell in cells))
    for name in wanted:
        if name not in known:
            raise InputError(f"--{what}s {name}: the study has none such; {nearest(name, known)}")
    return [cell for cell in chosen if _spell(cell, what) in wanted]


def _spell(cell: Cell, what: str) -> str:
    return fraction_key(cell.fraction) if what == "fraction" else getattr(cell, what)
