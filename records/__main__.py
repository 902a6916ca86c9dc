"""``python -m records CONFIG``: cut the nested subsets of a study and write its TFRecords, once."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from datasets.errors import command
from datasets.parser import Parser, add_json, answering
from records.manifest import Manifest, describe
from study.command import add_study_arguments, open_study
from study.data import require_data

EXAMPLES = """examples:
  python -m records configs/studies/embedded.yaml
  python -m records configs/studies/coco.yaml --data coco=/path/to/coco
"""


@command
def main(argv: list[str] | None = None) -> None:
    arguments = make_parser().parse_args(argv)
    with answering(arguments) as answer:
        answer |= write(arguments)


def make_parser() -> Parser:
    parser = Parser(prog="python -m records", description=__doc__, epilog=EXAMPLES)
    add_study_arguments(parser)
    add_json(parser)
    return parser


def write(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the records of a study, say what they take, and return it as plain values."""
    study, folder = open_study(arguments)
    for dataset in study.datasets:
        require_data(study, folder, dataset)
    from detectors.runtime import start

    start()
    from records.prepare import prepare

    rows = []
    for dataset in study.datasets:
        for manifest in prepare(study, folder, dataset):
            images = sum(shard.images for shard in manifest.shards)
            ratio = manifest.stored_bytes / manifest.source_bytes
            print(f"{dataset.name}: {images} images in {len(manifest.shards)} files, "
                  f"{manifest.stored_bytes / 1e6:.1f} MB, {ratio:.2f} times the image files{_left_out(manifest)}")
            rows.append({"dataset": dataset.name, "images": images, "files": len(manifest.shards),
                         "stored_bytes": manifest.stored_bytes, "source_bytes": manifest.source_bytes,
                         "left_out": len(manifest.corrupt)})
    return {"study": folder.root, "records": rows}


def _left_out(manifest: Manifest) -> str:
    return f"; {describe(manifest.corrupt)} cannot be decoded and are left out of training" if manifest.corrupt else ""


if __name__ == "__main__":
    sys.exit(main())
