"""Arguments that several commands take: their types, and the curves that they choose."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

from datasets.errors import InputError, nearest
from predict.tables import Curve


def add_curves(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that choose curves of a table: --dataset, --detector and --unit."""
    parser.add_argument("--dataset", help="only this data set")
    parser.add_argument("--detector", help="only this detector")
    parser.add_argument("--unit", choices=("fraction", "points"), help="unit of the values, where that is in doubt")


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
