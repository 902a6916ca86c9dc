"""``python -m records CONFIG``: cut the nested subsets of a study and write its TFRecords, once."""

from __future__ import annotations

import argparse
import sys

from datasets.errors import command
from records.manifest import Manifest, describe
from study.command import add_study_arguments, open_study


@command
def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m records", description=__doc__)
    add_study_arguments(parser)
    study, folder = open_study(parser.parse_args(argv))
    from detectors.runtime import start

    start()
    from records.prepare import prepare

    for dataset in study.datasets:
        for manifest in prepare(study, folder, dataset):
            images = sum(shard.images for shard in manifest.shards)
            ratio = manifest.stored_bytes / manifest.source_bytes
            print(f"{dataset.name}: {images} images in {len(manifest.shards)} files, "
                  f"{manifest.stored_bytes / 1e6:.1f} MB, {ratio:.2f} times the image files{_left_out(manifest)}")
    return 0


def _left_out(manifest: Manifest) -> str:
    return f"; {describe(manifest.corrupt)} cannot be decoded and are left out of training" if manifest.corrupt else ""


if __name__ == "__main__":
    sys.exit(main())
