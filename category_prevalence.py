"""Count how often each class occurs in a COCO data set and in its nested subsets: table, CSV and chart."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from charts.prevalence import prevalence
from charts.save import save_figure
from datasets.coco import read_coco
from datasets.errors import command
from datasets.files import write_text
from datasets.prevalence import tabulate


@command
def main(argv: list[str] | None = None) -> int | None:
    """Run the command line."""
    args = _parse(argv)
    train = read_coco(args.annotations, args.classes)
    validation = read_coco(args.validation, args.classes) if args.validation else None
    table = tabulate(train, args.fractions, validation, args.draw)
    print(describe(table))
    write_text(args.out / "prevalence.csv", table.to_csv(index=False))
    save_figure(prevalence(table), args.out / "prevalence")


def describe(table: pd.DataFrame) -> str:
    """Return the boxes of every class in every subset, most frequent class first, as text."""
    columns = table["fraction"].map("{:g} %".format).where(table["split"] == "train", "validation")
    largest = columns[table["split"] == "train"].iloc[-1]
    boxes = table.assign(column=columns).pivot(index="class", columns="column", values="boxes")[columns.unique()]
    boxes = boxes.sort_values(by=largest, ascending=False, kind="stable")
    return boxes.rename_axis(index="boxes", columns=None).to_string()


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotations", required=True, metavar="FILE", help="COCO annotation file of training images")
    parser.add_argument("--validation", metavar="FILE", help="COCO annotation file of validation images")
    parser.add_argument("--fractions", nargs="+", type=float, default=[100.0], metavar="PERCENT",
                        help="nested subsets, per cent of the training images (default: 100)")
    parser.add_argument("--draw", type=int, default=0, help="which order the subsets are cut from (default: 0)")
    parser.add_argument("--classes", nargs="+", default=(), metavar="NAME", help="keep only these classes")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where table and chart go")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
