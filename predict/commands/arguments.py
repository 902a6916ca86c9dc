"""Arguments that several commands take: their types, and the curves that they choose."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

from datasets.errors import InputError, nearest
from predict.tables import IMAGES, UNITS, Curve, read_curves


def add_curves(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that choose the curves of a table and say what it leaves open (docs/tables.md)."""
    parser.add_argument("--dataset", help="only this data set")
    parser.add_argument("--detector", help="only this detector")
    parser.add_argument("--unit", choices=UNITS, help="unit of the values, where that is in doubt")
    parser.add_argument("--whole", type=image_count, metavar="N",
                        help="images at 100 %%, where the table does not tell them")


def chosen_curves(args: argparse.Namespace, *, per_class: bool = False, in_images: bool = False) -> list[Curve]:
    """Return the curves of args.table that the arguments of `add_curves` and --metric choose.

    Raises InputError where there is none, and with `in_images` for a table whose sizes are per cent of nobody knows
    how many images.
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
            raise InputError(f"--{what} {wanted}: the table has no such {what}; {nearest(wanted, names)}")
        curves = [curve for curve in curves if wanted in (None, getattr(curve, what))]
    return list(curves)


def percent(text: str) -> float:
    value = float(text)
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is outside (0, 100] per cent")
    return value


def image_count(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no number of images")
    return value


def mean_average_precision(text: str) -> float:
    value = float(text)
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is no mAP; give 0.4, or 40 for points")
    return value / 100 if value > 1 else value
