"""Other ways to the same nested subsets, to be measured beside ours: `python -m benchmarks.published WAY FILE …`.

The script of 2019 as it was, the same with its pairs mended, plain json at its best, and pycocotools' index.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets.errors import command
from datasets.parser import Parser, percent


def published(content: Any, order: np.ndarray, sizes: Sequence[int], folder: Path) -> None:
    """Write the subsets as in 2019. Of COCO it takes the annotations *at the images' positions*: others' boxes.

    Records become an array of objects, indexed anew for every subset, and `json.dump` writes piece by piece.
    """
    frames = np.asarray(content["images"] if isinstance(content, dict) else content)
    boxes = np.asarray(content["annotations"]) if isinstance(content, dict) else frames
    for size in sizes:
        chosen = order[:size]
        subset = list(frames[chosen])
        if isinstance(content, dict):
            subset = {**content, "images": subset, "annotations": list(boxes[chosen])}
        _dump(folder, size, subset)


def mended(content: Any, order: np.ndarray, sizes: Sequence[int], folder: Path) -> None:
    """Do as `published`, each image with its own boxes: for every subset, all annotations are asked for their image."""
    images = np.asarray(content["images"])
    for size in sizes:
        chosen = list(images[order[:size]])
        ids = {image["id"] for image in chosen}
        boxes = [box for box in content["annotations"] if box["image_id"] in ids]
        _dump(folder, size, {**content, "images": chosen, "annotations": boxes})


def plain_json(content: Any, order: np.ndarray, sizes: Sequence[int], folder: Path) -> None:
    """Write what a detector learns from with json alone: boxes grouped once, no masks, one string per subset."""
    boxes_of = defaultdict(list)
    for box in content["annotations"]:
        boxes_of[box["image_id"]].append({key: box[key] for key in ("id", "image_id", "category_id", "bbox", "area",
                                                                    "iscrowd")})
    for size in sizes:
        images = [content["images"][position] for position in order[:size].tolist()]
        boxes = [box for image in images for box in boxes_of[image["id"]]]
        subset = {"images": images, "annotations": boxes, "categories": content["categories"]}
        _path(folder, size).write_text(json.dumps(subset))


WAYS: dict[str, Callable[[Any, np.ndarray, Sequence[int], Path], None]] = {
    "published": published, "mended": mended, "json": plain_json}


def read_and_write(way: str, path: Path, folder: Path, fractions: Sequence[float]) -> None:
    """Load `path` with json and write a file for each of `fractions` per cent into `folder`."""
    content = json.loads(path.read_bytes()) if way == "json" else json.load(path.open())
    images = len(content if isinstance(content, list) else content["images"])
    WAYS[way](content, np.random.permutation(images), [int(f / 100 * images) for f in fractions], folder)


def index_with_pycocotools(path: Path, fractions: Sequence[float]) -> list[int]:
    """Return the boxes in each of `fractions` per cent of the images, found by pycocotools; nothing is written."""
    from pycocotools.coco import COCO  # not for the other ways, whose memory is measured

    coco = COCO(str(path))
    ids = np.random.permutation(coco.getImgIds())
    return [len(coco.loadAnns(coco.getAnnIds(imgIds=ids[:int(f / 100 * len(ids))].tolist()))) for f in fractions]


def _dump(folder: Path, size: int, value: Any) -> None:
    with _path(folder, size).open("w") as stream:
        json.dump(value, stream)


def _path(folder: Path, size: int) -> Path:
    return folder / f"first_{size}.json"


def make_parser() -> Parser:
    parser = Parser(prog="python -m benchmarks.published", description=__doc__, epilog="example:\n  python -m "
                    "benchmarks.published mended instances_train2017.json --fractions 1 5 20 --out subsets\n")
    parser.add_argument("way", choices=[*WAYS, "pycocotools"])
    parser.add_argument("annotations", type=Path, help="COCO file; `published` also takes a BDD file of 2018")
    parser.add_argument("--fractions", nargs="+", type=percent, required=True, metavar="PERCENT",
                        help="nested subsets, per cent of the images")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="an existing one for the subsets")
    return parser


@command
def main(argv: list[str] | None = None) -> None:
    args = make_parser().parse_args(argv)
    if args.way == "pycocotools":
        index_with_pycocotools(args.annotations, args.fractions)
    else:
        read_and_write(args.way, args.annotations, args.out, args.fractions)


if __name__ == "__main__":
    sys.exit(main())
