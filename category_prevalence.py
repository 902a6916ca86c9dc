"""Count how often each class occurs, in a data set and in its nested subsets: tables, CSV, charts and a collage.

  python category_prevalence.py --annotations instances_train2017.json --class-map voc --out prevalence \\
      --validation instances_val2017.json --fractions 1 5 20 100
  python category_prevalence.py --annotations my_yolo_folder --out prevalence

The flags of the script of 2019 work as they did: --dataset-format, --json-path and --wanted-categories a,b,c. DIR then
holds prevalence.csv and, as PNG and SVG, prevalence (bars), doughnut, sizes, collage (where the images are known) and
shift (where there is a validation set).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from charts.collage import labelled_grid
from charts.doughnut import doughnut
from charts.prevalence import prevalence, sizes
from charts.save import save_figure
from charts.shift import shift_chart
from datasets.annotations import Annotations
from datasets.command import (
    add_annotation_arguments,
    add_validation_arguments,
    read_annotations,
    read_validation,
    train_folder,
)
from datasets.errors import command
from datasets.files import write_text
from datasets.findings import summarise
from datasets.orders.order import make_order
from datasets.orders.strategies import STRATEGIES
from datasets.prevalence.count import tabulate
from datasets.prevalence.shift import shift
from datasets.prevalence.text import describe


@command
def main(argv: list[str] | None = None) -> int | None:
    """Run the command line."""
    args = _parse(argv)
    train, report = read_annotations(args)
    print(f"train: {summarise(train, report)}")
    read = read_validation(args, train)
    if read:
        print(f"validation: {summarise(*read)}")
    order = make_order(train, args.draw, args.fractions, args.strategy, args.ranking)
    table = tabulate(train, args.fractions, read[0] if read else None, positions=order.positions(train))
    print(f"\n{describe(table)}")
    figures = list(draw(args, train, table))
    for name, figure in figures:
        save_figure(figure, args.out / name)
    write_text(args.out / "prevalence.csv", table.to_csv(index=False))
    print(f"\nTable and charts ({', '.join(name for name, _ in figures)}): {args.out}")


def draw(args: argparse.Namespace, train: Annotations, table: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
    """Yield the name and the figure of every chart that can be drawn."""
    yield "prevalence", prevalence(table)
    yield "doughnut", doughnut(table)
    yield "sizes", sizes(table)
    if "validation" in set(table["split"]):
        yield "shift", shift_chart(shift(table))
    if folder := train_folder(args):
        yield "collage", labelled_grid(train, Path(folder), args.pictured)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_annotation_arguments(parser)
    add_validation_arguments(parser)
    parser.add_argument("--fractions", nargs="+", type=float, default=[100.0], metavar="PERCENT",
                        help="nested subsets, per cent of the training images (default: 100)")
    parser.add_argument("--strategy", choices=STRATEGIES, default="random", help="of their order (default: random)")
    parser.add_argument("--ranking", metavar="FILE", help="for the strategy order-file: images in order")
    parser.add_argument("--draw", type=int, default=0, help="which order the subsets are cut from (default: 0)")
    parser.add_argument("--images", metavar="FOLDER", help="where the images are, for a collage of labelled ones")
    parser.add_argument("--pictured", type=int, default=6, metavar="N", help="images in the collage (default: 6)")
    parser.add_argument("--out", type=Path, default=Path("prevalence"), metavar="DIR",
                        help="where table and charts go (default: prevalence)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
