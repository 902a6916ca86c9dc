"""What the records of a study take on disk: `python -m benchmarks.storage studies/embedded`.

Beside it one copy of the images at the stored size, and a copy for every subset, as the scripts of 2019 made.
"""

from __future__ import annotations

import sys
from pathlib import Path

from datasets.errors import command
from datasets.orders.order import read_order
from datasets.parser import Parser
from detectors.runtime import start
from records.manifest import Manifest, first_shards, read_manifest
from study.layout import StudyFolder
from study.load import read_study


def image_bytes(folder: Path, manifest: Manifest) -> int:
    """Return the bytes of the encoded images alone."""
    import tensorflow as tf

    examples = tf.data.TFRecordDataset([str(folder / shard.name) for shard in manifest.shards])
    images = examples.map(lambda e: tf.strings.length(
        tf.io.parse_single_example(e, {"image/encoded": tf.io.FixedLenFeature([], tf.string)})["image/encoded"]))
    return int(images.reduce(tf.constant(0), lambda total, size: total + size))


def make_parser() -> Parser:
    parser = Parser(prog="python -m benchmarks.storage", description=__doc__,
                    epilog="example:\n  python -m benchmarks.storage studies/embedded\n")
    parser.add_argument("study", type=Path, metavar="FOLDER", help="the study's folder")
    return parser


@command
def main(argv: list[str] | None = None) -> None:
    folder = StudyFolder(make_parser().parse_args(argv).study)
    study = read_study(folder.config)
    start("reading")
    for dataset in study.datasets:
        for size in sorted({detector.stored_size for detector in study.detectors}):
            records = folder.train_records(dataset.name, size, 0)
            manifest = read_manifest(records)
            images = image_bytes(records, manifest)
            sizes = read_order(folder.order(dataset.name, 0)).sizes
            copies = sum(path.stat().st_size for n in sizes for path in first_shards(records, n))
            print(f"{dataset.name} at {size} px, {len(sizes)} nested subsets: "
                  f"{manifest.stored_bytes / 1e6:.1f} MB = {manifest.stored_bytes / images:.3f} times one copy of the "
                  f"images, {manifest.stored_bytes / copies:.2f} times a copy per subset ({copies / 1e6:.1f} MB)")


if __name__ == "__main__":
    sys.exit(main())
