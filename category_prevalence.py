"""Count how often each class occurs, in a data set and in its nested subsets: tables, CSV, charts and a collage.

FOLDER then holds prevalence.csv and, as PNG and SVG, prevalence (bars), doughnut, sizes, collage (where the images are
known) and shift (where there is a validation set). The flags of the script of 2019 work as they did: --dataset-format,
--json-path and --wanted-categories a,b,c.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.annotations import Annotations
from datasets.command import (
    add_annotation_arguments,
    add_order_arguments,
    add_validation_arguments,
    as_answer,
    read_annotations,
    read_validation,
)
from datasets.errors import InputError, command
from datasets.files import write_text
from datasets.findings import summarise
from datasets.orders.order import make_order
from datasets.parser import Parser, add_json, answering, count, percent

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

EXAMPLES = """examples:
  python category_prevalence.py --annotations instances_train2017.json --class-map voc --out prevalence \\
      --validation instances_val2017.json --fractions 1 5 20 100
  python category_prevalence.py --annotations my_yolo_folder --out prevalence
"""


@command
def main(argv: list[str] | None = None) -> int | None:
    """Run the command line."""
    args = make_parser().parse_args(argv)
    with answering(args) as answer:
        answer |= tell(args)


def tell(args: argparse.Namespace) -> dict[str, Any]:
    """Say how often each class occurs, draw it, and return it as plain values."""
    train, report = read_annotations(args)
    print(f"train: {summarise(train, report)}")
    read = read_validation(args, train)
    if read:
        print(f"validation: {summarise(*read)}")
    fractions = sorted({*args.fractions, 100.0})
    order = make_order(train, args.draw, fractions, args.strategy, args.ranking)
    from charts.save import save_figure  # pandas and matplotlib take longer to load than a mistake to be found
    from datasets.prevalence.count import tabulate
    from datasets.prevalence.text import describe

    table = tabulate(train, fractions, read[0] if read else None, positions=order.positions(train))
    if not args.json:
        print(f"\n{describe(table)}\n")
    write_text(args.out / "prevalence.csv", table.to_csv(index=False))
    charts = []
    for name, figure in draw(args, train, table):
        save_figure(figure, args.out / name)
        print(f"chart: {args.out / name}.png, .svg")
        charts.append(name)
    return {"train": as_answer(train, report), "validation": as_answer(*read) if read else None,
            "prevalence": table.to_dict("records"), "out": args.out, "charts": charts}


def draw(args: argparse.Namespace, train: Annotations, table: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
    """Yield the name and the figure of every chart that can be drawn.

    Raises InputError for images of a folder that was asked for and cannot be read.
    """
    from charts.collage import labelled_grid
    from charts.doughnut import doughnut
    from charts.prevalence import prevalence, sizes
    from charts.shift import shift_chart
    from datasets.prevalence.shift import shift

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


def make_parser() -> Parser:
    parser = Parser(prog="python category_prevalence.py", description=__doc__, epilog=EXAMPLES)
    add_annotation_arguments(parser)
    add_validation_arguments(parser)
    parser.add_argument("--fractions", nargs="+", type=percent, default=[100.0], metavar="PERCENT",
                        help="nested subsets beside the whole, per cent of the training images (default: none)")
    add_order_arguments(parser)
    parser.add_argument("--images", metavar="FOLDER", help="where the images are, for a collage of labelled ones")
    parser.add_argument("--pictured", type=count, default=6, metavar="N", help="images in the collage (default: 6)")
    parser.add_argument("--out", type=Path, default=Path("prevalence"), metavar="FOLDER",
                        help="where table and charts go (default: prevalence)")
    add_json(parser)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
