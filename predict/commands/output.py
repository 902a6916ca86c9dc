"""What the commands that answer one question share: their arguments, and how an answer is given out."""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.errors import InputError
from datasets.files import write_json
from predict.commands.arguments import add_curves, chosen_curves, percent
from predict.questions import FittedCurve, fit_curve
from predict.tables import Curve, write_rows
from predict.text import label_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 110  # characters of a line of prose
Rows = Sequence[Mapping[str, Any]]


def add_question(commands, name: str, summary: str, examples: str, run: Callable) -> argparse.ArgumentParser:
    """Add the parser of a command that asks one thing of the curves of a table, with the arguments all have."""
    parser = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=examples,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, metavar="TABLE",
                        help="results.csv of a study, or any table of sizes and mAP (docs/tables.md)")
    add_curves(parser)
    parser.add_argument("--metric", help="only this metric, as AP50 (default: AP of results.csv, all of other tables)")
    parser.add_argument("--fit-up-to", type=percent, default=100.0, metavar="PERCENT",
                        help="forecast from subsets of at most this share (default: 100, every point)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write CSV, JSON and a chart (PNG, SVG) there")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.set_defaults(run=run)
    return parser


def read(args: argparse.Namespace, *, per_class: bool = False) -> list[Curve]:
    """Return the curves that the arguments choose; what was done to the table is said on stderr.

    Raises InputError for sizes that are per cent of nobody knows how many images.
    """
    curves = chosen_curves(args, per_class=per_class, in_images=True)
    say(note for curve in curves for note in curve.notes)
    return curves


def fitted_curves(args: argparse.Namespace, *, per_class: bool = False) -> list[FittedCurve]:
    """Return the forecasts of the curves that `read` returns.

    Curves of fewer than two sizes are left out, and losses, which are no mAP: stderr says so. Raises InputError where
    that leaves none.
    """
    fitted, refused = [], []
    for curve in read(args, per_class=per_class):
        try:
            fitted.append(fit_curve(curve, args.fit_up_to))
        except InputError as error:
            refused.append(str(error))
    if not fitted:
        raise InputError(refused[0])
    say(f"left out: {why}" for why in refused)
    return fitted


def say(notes: Iterable[str]) -> None:
    """Print each note once, on stderr."""
    for note in dict.fromkeys(notes):
        print(f"note: {note}", file=sys.stderr)


def warnings_of(curves: Sequence[FittedCurve]) -> list[str]:
    """Return what a reader must know about single curves."""
    return label_lines((c.curve.name, c.posterior.label) for c in curves)


def give(args: argparse.Namespace, report: str, tables: Mapping[str, Rows], notes: Sequence[str],
         draw: Callable[[], Mapping[str, Figure]]) -> None:
    """Print `report`, then `notes`, or JSON; under --out write each of `tables` as CSV and JSON, and the charts.

    `tables` and what `draw` returns are named as their files, without suffix.
    """
    if args.out:
        _write(args.out, tables, notes, draw())
    if args.json:
        answer = {name: [_plain(row) for row in rows] for name, rows in tables.items()}
        print(json.dumps(answer | {"notes": list(notes)}, indent=1, allow_nan=False))
        return
    print("\n\n".join([report, *(textwrap.fill(note, WIDTH) for note in notes)]))
    if args.out:
        print(f"\nwritten: {', '.join(f'{args.out}/{name}.csv' for name in tables)}, the same as JSON, and charts")


def metrics_of(curves: Sequence[FittedCurve]) -> str:
    """Return what a heading calls the values of the curves."""
    return ", ".join(dict.fromkeys(curve.curve.metric for curve in curves))


def file_name(name: str) -> str:
    """Return a name as part of a file's name."""
    return re.sub(r"[^\w.+-]+", "_", name)


def _write(out: Path, tables: Mapping[str, Rows], notes: Sequence[str], figures: Mapping[str, Figure]) -> None:
    from charts.save import save_figure

    for name, rows in tables.items():
        write_rows(out / f"{name}.csv", [{k: "" if v is None else v for k, v in _plain(row).items()} for row in rows])
        write_json(out / f"{name}.json", {name: list(rows), "notes": list(notes)})
    for name, figure in figures.items():
        save_figure(figure, out / name)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as JSON can say it: null for what is not finite."""
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
