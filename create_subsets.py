"""Cut nested training subsets out of a COCO annotation file: one order, every subset a prefix of it."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from datasets.annotations import Annotations, for_training
from datasets.coco import read_coco, write_coco
from datasets.errors import command
from datasets.order import Order, apply_order, make_order, write_order

FRACTIONS = (1, 2.5, 5, 10, 15, 20, 30, 50, 75, 100)


@command
def main(argv: list[str] | None = None) -> int | None:
    """Run the command line."""
    args = _parse(argv)
    annotations = read_coco(args.annotations, args.classes)
    order = make_order(annotations, args.draw, args.fractions)
    ordered = apply_order(annotations, order)
    suffix = f"-draw-{args.draw}" if args.draw else ""
    if args.write_json:
        for fraction, size in zip(order.fractions, order.sizes):
            write_coco(args.out / f"subset-{fraction:g}{suffix}.json", ordered.take(np.arange(size)))
    write_order(args.out / f"order{suffix}.json", order)
    print(describe(ordered, order))


def describe(ordered: Annotations, order: Order) -> str:
    """Return a line per subset: its fraction, images, boxes to learn from and the classes it has none of."""
    ordered, lines = for_training(ordered), []
    for fraction, size in zip(order.fractions, order.sizes):
        boxes = int(ordered.starts[size])
        present = set(ordered.classes[:boxes].tolist())
        absent = [name for index, name in enumerate(ordered.categories) if index not in present]
        note = f"   no box of: {', '.join(absent)}" if absent else ""
        lines.append(f"{fraction:>6g} %  {size:>8} images  {boxes:>9} boxes{note}")
    return "\n".join(lines)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotations", required=True, metavar="FILE", help="COCO annotation file")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where order.json goes")
    parser.add_argument("--fractions", nargs="+", type=float, default=FRACTIONS, metavar="PERCENT",
                        help="per cent of the images (default: %(default)s)")
    parser.add_argument("--draw", type=int, default=0, help="another draw is another order (default: 0)")
    parser.add_argument("--classes", nargs="+", default=(), metavar="NAME", help="keep only these classes")
    parser.add_argument("--write-json", action="store_true", help="also write each subset as a COCO file")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
