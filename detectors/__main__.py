"""Commands on checkpoints: `python -m detectors import | export | describe`."""

from __future__ import annotations

import argparse
import lzma
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.errors import InputError, command
from datasets.files import sha256_of
from detectors import runtime

if TYPE_CHECKING:
    from detectors.detector import Detector

KINDS = ("ssd_mobilenet_v2",)

# SHA-256 of the published data files.
PUBLISHED = {
    "61bc5931d1cc44cd83b80ebee3cb75757e84c1a49ac5cea71149e36a93da4044": "ssd_mobilenet_v2_oid_v4_2018_12_12",
}


@command
def main(argv: list[str] | None = None) -> None:
    """Run one of the commands."""
    options = _parser().parse_args(argv)
    runtime.start()  # before anything imports TensorFlow
    options.run(options)


def import_checkpoint(options: argparse.Namespace) -> None:
    """Check a checkpoint of the original detector and keep what belongs to the model."""
    from detectors.checkpoint import save

    save(_load(options.source, options), options.prefix)
    print(f"wrote {options.prefix}")


def describe(options: argparse.Namespace) -> None:
    """Check a checkpoint of the original detector and say what it holds."""
    _load(options.source, options)


def export(options: argparse.Namespace) -> None:
    """Write a training checkpoint under the original's variable names."""
    import tensorflow as tf

    from detectors.checkpoint import find_prefix, save
    from detectors.detector import build

    source = find_prefix(options.source)
    detector = build(options.kind, options.classes, width=options.width)
    step = tf.Variable(0, dtype=tf.int64)
    try:
        status = tf.train.Checkpoint(model=detector.model, global_step=step).read(str(source))
        status.assert_existing_objects_matched().expect_partial()
    except (AssertionError, ValueError, tf.errors.OpError):
        raise InputError(f"{source}: not a training checkpoint of {options.kind} with {options.classes} classes and "
                         f"width {options.width:g}; check --classes and --width") from None
    save(detector, options.prefix, int(step))
    print(f"wrote {options.prefix} (step {int(step)})")


def _load(source: str, options: argparse.Namespace) -> Detector:
    """Return the detector that the checkpoint `source` holds, and print what was found."""
    from detectors.checkpoint import DATA, count_classes, find_prefix, restore
    from detectors.detector import build

    with _unpacked(Path(source)) as folder:
        prefix = find_prefix(folder)
        detector = build(options.kind, count_classes(prefix), width=options.width)
        report = restore(detector, prefix)
        published = PUBLISHED.get(sha256_of(f"{prefix}{DATA}"))
    print(f"{source}: {options.kind}, {detector.num_classes} classes, "
          f"{detector.model.count_params():,} parameters; {report}")
    print(f"the values of the published {published}" if published else "not a published checkpoint that we know")
    return detector


@contextmanager
def _unpacked(source: Path) -> Iterator[Path]:
    """Yield a folder with the checkpoint's files if `source` is an archive of the zoo, else `source` itself."""
    if not source.is_file():
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        _extract_checkpoint(source, Path(folder))
        try:
            yield Path(folder)
        except InputError as error:
            raise InputError(str(error).replace(folder, str(source))) from None


def _extract_checkpoint(archive: Path, folder: Path) -> None:
    """Write the archive's model.ckpt files, whatever folder they are in, into `folder`."""
    try:
        with tarfile.open(archive) as members:
            for member in members:
                name = Path(member.name).name
                if member.isfile() and name.startswith("model.ckpt"):
                    member.name = name
                    members.extract(member, folder, filter="data")
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError):
        raise InputError(f"{archive}: not a readable archive; get it again, or give the checkpoint's prefix") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m detectors", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    zoo = "archive (.tar.gz), folder or prefix of a checkpoint of the original detector"
    for name, run, source in (
        ("import", import_checkpoint, zoo),
        ("export", export, "prefix of a training checkpoint"),
        ("describe", describe, zoo),
    ):
        sub = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        sub.set_defaults(run=run)
        sub.add_argument("source", help=source)
        sub.add_argument("--kind", default=KINDS[0], choices=KINDS)
        sub.add_argument("--width", type=float, default=1.0, help="width multiplier of the network (default 1)")
        if run is not describe:
            sub.add_argument("prefix", help="where to write: a path without suffix, such as checkpoints/model.ckpt")
        if run is export:
            sub.add_argument("--classes", type=int, required=True, help="classes that the detector was trained for")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
