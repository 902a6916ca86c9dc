"""Write an annotation file with the size and shape of a real one, the same on every machine.

What a reader's time depends on is as in the data sets: fields, spacing, class frequencies, clumps, polygons.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.scale.bdd import FRAMES, write_bdd, write_det20
from benchmarks.scale.coco import IMAGES, write_coco
from datasets.errors import command
from datasets.parser import Parser, count

WRITERS = {"coco": (write_coco, "instances_train2017.json", IMAGES),
           "bdd": (write_bdd, "bdd100k_labels_images_train.json", FRAMES),
           "det20": (write_det20, "det_train.json", FRAMES)}


def make_parser() -> Parser:
    parser = Parser(prog="python -m benchmarks.scale", description=__doc__,
                    epilog="example:\n  python -m benchmarks.scale coco made --num-images 10000\n")
    parser.add_argument("kind", choices=WRITERS, help="bdd: the layout of 2018; det20: Scalabel, 2020")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the file goes")
    parser.add_argument("--num-images", type=count, metavar="N", help="images or frames (default: as in the data set)")
    return parser


@command
def main(argv: list[str] | None = None) -> int | None:
    """Run the command line."""
    args = make_parser().parse_args(argv)
    write, name, images = WRITERS[args.kind]
    start = time.perf_counter()
    write(args.folder / name, args.num_images or images)
    megabytes = (args.folder / name).stat().st_size / 1e6
    print(f"{args.folder / name}: {megabytes:.1f} MB in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    raise SystemExit(main())
