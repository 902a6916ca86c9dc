"""Arguments that several commands take: their types, and the curves that they choose."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Sequence
from pathlib import Path

from datasets.errors import InputError, nearest
from datasets.parser import add_json, number
from predict.tables import IMAGES, UNITS, Curve, read_curves

METRIC = ("only this metric, as AP50 (default: AP of results.csv, all of other tables); columns that name none are "
          "taken as it")


def add_curves(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that choose the curves of a table and say what it leaves open (docs/tables.md)."""
    parser.add_argument("--dataset", metavar="NAME", help="only this data set (default: all)")
    parser.add_argument("--detector", metavar="NAME", help="only this detector (default: all)")
    parser.add_argument("--metric", metavar="METRIC", help=METRIC)
    add_reading(parser)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add what says how the numbers of a table are meant."""
    add_unit(parser)
    parser.add_argument("--whole", type=image_count, metavar="N",
                        help="images at 100 %%, where the table does not tell them")


def add_unit(parser: argparse.ArgumentParser) -> None:
    """Add the unit of a table's values."""
    parser.add_argument("--unit", choices=UNITS, help="unit of the values, where that is in doubt")


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add where an answer goes."""
    parser.add_argument("--out", type=folder, metavar="FOLDER", help="write CSV, JSON and charts (PNG, SVG) there")
    add_json(parser, "tables")


def chosen_curves(args: argparse.Namespace, *, per_class: bool = False, in_images: bool = False) -> list[Curve]:
    """Return the curves of args.table that the arguments of `add_curves` choose.

    Raises InputError where there is none, and with `in_images` for a table that gives sizes in per cent alone.
    """
    curves = read_curves(args.table, args.metric, per_class=per_class, unit=args.unit, whole=args.whole)
    if in_images and curves[0].sizes != IMAGES:
        raise InputError(f"{args.table}: the sizes are per cent; give the number of images at 100 % (--whole N)")
    return select(curves, args.dataset, args.detector)


def select(curves: Sequence[Curve], dataset: str | None, detector: str | None) -> list[Curve]:
    """Return the curves of one data set and detector, None for any. Raises InputError where there is none."""
    for what, wanted in (("dataset", dataset), ("detector", detector)):
        names = {getattr(curve, what) for curve in curves}
        if wanted is not None and wanted not in names:
            known = names - {""}
            raise InputError(f"--{what} {wanted}: the table has no such {what}; "
                             + (nearest(wanted, known) if known else f"it names none, so leave --{what} out"))
        curves = [curve for curve in curves if wanted in (None, getattr(curve, what))]
    return list(curves)


def folder(text: str) -> Path:
    """Return a folder to write to, which need not exist. Raises InputError where it cannot be made or written to."""
    path = Path(text)
    found = next(each for each in (path, *path.absolute().parents) if os.path.lexists(each))
    if not found.is_dir():
        raise InputError(f"--out {text}: {found} is no folder; give another")
    if not os.access(found, os.W_OK | os.X_OK):
        raise InputError(f"--out {text}: {found} cannot be written to; give another folder")
    return path


def image_count(text: str) -> float:
    """Return a positive number of images."""
    value = number(text, "20000")
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no number of images; give one above 0")
    return value


def mean_average_precision(text: str) -> float:
    """Return an mAP in (0, 1], which may be given in points."""
    value = number(text, "0.4, or 40 for points")
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is no mAP; give 0.4, or 40 for points")
    return value / 100 if value > 1 else value
