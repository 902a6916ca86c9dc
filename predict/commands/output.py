"""What the commands on one table share: their arguments, and how an answer is given out."""

from __future__ import annotations

import argparse
import math
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from datasets.errors import InputError
from datasets.files import write_json
from datasets.parser import percent, print_json
from predict.commands.arguments import add_curves, add_output, chosen_curves
from predict.forecaster import assumption
from predict.observations import Observations
from predict.questions import FittedCurve, fit_curve
from predict.tables import Curve, write_rows
from predict.text import label_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 100  # characters of a line of prose
Rows = Sequence[Mapping[str, Any]]
Given = TypeVar("Given")
Made = TypeVar("Made")


def add_table(commands, name: str, summary: str, examples: str, run: Callable) -> argparse.ArgumentParser:
    """Add the parser of a command that reads one table, with the arguments that all of these have."""
    parser = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=examples)
    parser.add_argument("table", type=Path, metavar="TABLE",
                        help="results.csv of a study, or any table of sizes and mAP (docs/tables.md)")
    add_curves(parser)
    add_output(parser)
    parser.set_defaults(run=run)
    return parser


def add_question(commands, name: str, summary: str, examples: str, run: Callable) -> argparse.ArgumentParser:
    """Add the parser of a command that asks one thing of forecasts."""
    parser = add_table(commands, name, summary, examples, run)
    parser.add_argument("--fit-up-to", type=percent, default=100.0, metavar="PERCENT",
                        help="forecast from subsets of at most this share (default: 100, every point)")
    return parser


def read(args: argparse.Namespace, *, per_class: bool = False, in_images: bool = True) -> list[Curve]:
    """Return the curves that the arguments choose; what was done to the table is noted.

    Raises InputError where there is none, and with `in_images` for a table that gives sizes in per cent alone.
    """
    curves = chosen_curves(args, per_class=per_class, in_images=in_images)
    note(args, (said for curve in curves for said in curve.notes))
    return curves


def fitted_curves(args: argparse.Namespace, *, per_class: bool = False) -> list[FittedCurve]:
    """Return the forecasts of the curves that `read` returns.

    Curves of fewer than two sizes are left out, and losses, which are no mAP: a note says so. Raises InputError where
    that leaves none.
    """
    fitted = keep(args, read(args, per_class=per_class), lambda curve: fit_curve(curve, args.fit_up_to))
    note_assumptions(args, (curve.fitted for curve in fitted))
    return fitted


def keep(args: argparse.Namespace, curves: Iterable[Given], make: Callable[[Given], Made]) -> list[Made]:
    """Return what `make` makes of curves; one for which it raises InputError is left out, as a note says.

    Raises InputError where that leaves none.
    """
    made, refused = [], []
    for curve in curves:
        try:
            made.append(make(curve))
        except InputError as error:
            refused.append(str(error))
    if refused and not made:
        raise InputError(refused[0])
    note(args, (f"left out: {why}" for why in refused))
    return made


def note(args: argparse.Namespace, notes: Iterable[str]) -> None:
    """Remember notes, each once, which `give` prints."""
    args.notes = list(dict.fromkeys([*getattr(args, "notes", []), *notes]))


def note_assumptions(args: argparse.Namespace, curves: Iterable[Observations]) -> None:
    """Note what the forecaster assumes of curves."""
    note(args, map(assumption, curves))


def say(notes: Iterable[str]) -> None:
    """Print notes on stderr."""
    for each in notes:
        print(textwrap.fill(f"note: {each}", WIDTH, subsequent_indent="      ", break_long_words=False,
                            break_on_hyphens=False), file=sys.stderr)


def paragraph(text: str) -> str:
    """Return prose in lines of WIDTH characters."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def warnings_of(curves: Sequence[FittedCurve]) -> list[str]:
    """Return what a reader must know about single curves."""
    return label_lines((c.curve.name, c.posterior.label) for c in curves)


def give(args: argparse.Namespace, report: str, tables: Mapping[str, Rows], remarks: Sequence[str],
         draw: Callable[[], Mapping[str, Figure]]) -> None:
    """Print `report`, then `remarks`, or JSON; under --out write each of `tables` as CSV and JSON, and the charts.

    `tables` and what `draw` returns are named as their files, without suffix; one without rows gets none. What `note`
    remembers goes to stderr, and beside the remarks into JSON.
    """
    notes = getattr(args, "notes", [])
    filled = {name: rows for name, rows in tables.items() if rows}
    figures = draw() if args.out else {}
    if args.out:
        _write(args.out, filled, [*remarks, *notes], figures)
    say(notes)
    if args.json:
        print_json({name: list(rows) for name, rows in tables.items()} | {"notes": [*remarks, *notes]})
        return
    print("\n\n".join([report, *map(paragraph, remarks)]))
    if args.out:
        print(f"\nwritten: {', '.join(f'{args.out}/{name}.csv' for name in filled)}, the same as JSON"
              f"{', and charts' if figures else ''}")


def require_free(out: Path, names: Iterable[str]) -> None:
    """Raise InputError where a folder stands in the place of a file that is to be written."""
    for path in (out / name for name in names):
        if path.is_dir():
            raise InputError(f"--out {out}: {path} is a folder, where a file goes; remove it or give another --out")


def metrics_of(curves: Sequence[FittedCurve]) -> str:
    """Return what a heading calls the values of the curves."""
    return ", ".join(dict.fromkeys(curve.curve.metric for curve in curves))


def file_name(name: str) -> str:
    """Return a name as part of a file's name."""
    return re.sub(r"[^\w.+-]+", "_", name)


def write_charts(out: Path, figures: Mapping[str, Figure]) -> None:
    """Write figures by their names without suffix."""
    from charts.save import save_figure

    for name, figure in figures.items():
        save_figure(figure, out / name)


def _write(out: Path, tables: Mapping[str, Rows], notes: Sequence[str], figures: Mapping[str, Figure]) -> None:
    require_free(out, [*(f"{name}.{kind}" for name in tables for kind in ("csv", "json")), *chart_files(figures)])
    for name, rows in tables.items():
        write_rows(out / f"{name}.csv", [{k: "" if v is None else v for k, v in _plain(row).items()} for row in rows])
        write_json(out / f"{name}.json", {name: list(rows), "notes": list(notes)})
    write_charts(out, figures)


def chart_files(figures: Iterable[str]) -> list[str]:
    """Return the names of the files that charts are written to."""
    return [f"{name}.{kind}" for name in figures for kind in ("png", "svg")]


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as JSON can say it: null for what is not finite."""
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
