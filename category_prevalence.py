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
)
from datasets.errors import InputError, command
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
    if args.pictured < 1:
        raise InputError(f"--pictured {args.pictured}: picture one image at least")
    train, report = read_annotations(args)
    print(f"train: {summarise(train, report)}")
    read = read_validation(args, train)
    if read:
        print(f"validation: {summarise(*read)}")
    fractions = sorted({*args.fractions, 100.0})
    order = make_order(train, args.draw, fractions, args.strategy, args.ranking)
    table = tabulate(train, fractions, read[0] if read else None, positions=order.positions(train))
    print(f"\n{describe(table)}\n")
    write_text(args.out / "prevalence.csv", table.to_csv(index=False))
    for name, figure in draw(args, train, table):
        save_figure(figure, args.out / name)
        print(f"chart: {args.out / name}.png, .svg")


def draw(args: argparse.Namespace, train: Annotations, table: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
    """Yield the name and the figure of every chart that can be drawn.

    Raises InputError for images of a folder that was asked for and cannot be read.
    """
    yield "prevalence", prevalence(table)
    yield "doughnut", doughnut(table)
    yield "sizes", sizes(table)
    if "validation" in set(table["split"]):
        yield "shift", shift_chart(shift(table))
    if folder := args.images or train.images_root:
        try:
            yield "collage", labelled_grid(train, Path(folder), args.pictured)
        except InputError as error:
            if args.images:
                raise
            print(f"no collage: {error}")


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_annotation_arguments(parser)
    add_validation_arguments(parser)
    parser.add_argument("--fractions", nargs="+", type=float, default=[100.0], metavar="PERCENT",
                        help="nested subsets beside the whole, per cent of the training images")
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
