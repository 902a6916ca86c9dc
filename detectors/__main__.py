"""Commands on checkpoints: `python -m detectors get | describe | import | export`."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.errors import InputError, command
from datasets.files import write_text
from detectors import runtime
from detectors.checkpoints import zoo
from detectors.checkpoints.archive import find_prefix, unpack
from detectors.kinds import DEPTHS, SCOPES
from study.checkpoints import DATA, STEM, checkpoint_prefix, is_there

if TYPE_CHECKING:
    from detectors.checkpoints.account import RestoreReport
    from detectors.detector import Detector


@command
def main(argv: list[str] | None = None) -> None:
    """Run one of the commands."""
    options = _parser().parse_args(argv)
    options.run(options)


def get(options: argparse.Namespace) -> None:
    """Download a checkpoint of the original's zoo, or unpack its archive where that is in checkpoints/ already."""
    zoo.provide(options.name, options.source)
    print(f"{options.name} is in {checkpoint_prefix(options.name).parent}")


def describe(options: argparse.Namespace) -> None:
    """Check a checkpoint of the original detector and account for what it holds."""
    _, report = _load(options)
    for row in report.rows:
        if row.fate == "re-initialised" or row.reason == "not part of the detector":
            print(f"  {row.fate:14}  {row.variable}: {row.reason}")
    if options.csv:
        write_text(options.csv, report.to_csv())
        print(f"wrote {options.csv}")


def import_checkpoint(options: argparse.Namespace) -> None:
    """Check a checkpoint of the original detector and keep what belongs to the model."""
    detector, _ = _load(options)
    from detectors.checkpoints.checkpoint import save

    target = _target(options.prefix)
    save(detector, target)
    print(f"wrote {target}")


def export(options: argparse.Namespace) -> None:
    """Write a training checkpoint under the original's variable names."""
    runtime.start()  # before anything imports TensorFlow
    import tensorflow as tf

    from detectors.checkpoints.checkpoint import save
    from detectors.detector import build

    source = find_prefix(options.source)
    detector = build(options.kind, options.classes, width=options.width, depth=options.depth)
    step = tf.Variable(0, dtype=tf.int64)
    try:
        status = tf.train.Checkpoint(model=detector.model, global_step=step).read(str(source))
        status.assert_existing_objects_matched().expect_partial()
    except (AssertionError, ValueError, tf.errors.OpError):
        raise InputError(f"{source}: not a training checkpoint of {options.kind} with {options.classes} classes and "
                         f"width {options.width:g}; check --kind, --classes, --width and --depth") from None
    target = _target(options.prefix)
    save(detector, target, int(step))
    print(f"wrote {target} (step {int(step)})")


def _target(prefix: str) -> Path:
    """Return the prefix to write to: in a folder, model.ckpt."""
    return Path(prefix, STEM) if prefix.endswith("/") or os.path.isdir(prefix) else Path(prefix)


def _load(options: argparse.Namespace) -> tuple[Detector, RestoreReport]:
    """Return the detector that the checkpoint `options.source` holds and the account, and print what was found."""
    with _unpacked(options.source) as prefix:
        runtime.start()  # not before: it takes ten seconds to say that an archive is cut off
        from detectors.checkpoints.checkpoint import count_classes, find_depth, find_kind, restore
        from detectors.detector import build

        kind, depth = options.kind or find_kind(prefix), find_depth(prefix)
        detector = build(kind, count_classes(prefix), width=options.width, depth=depth)
        report = restore(detector, prefix)
        data = Path(f"{prefix}{DATA}")
        published = zoo.published_name(data) if data.exists() else None  # in several pieces it is not the zoo's
    classes = f"{detector.num_classes} class{'es' * (detector.num_classes != 1)}"
    layers = f", depth {depth}" if depth else ""
    print(f"{options.source}: {kind}{layers}, {classes}, {detector.model.count_params():,} parameters; {report}")
    print(f"the values of the published {published}" if published else "not a published checkpoint that we know")
    return detector, report


@contextmanager
def _unpacked(source: str) -> Iterator[Path]:
    """Yield the prefix of the checkpoint `source`: an archive is unpacked for the time being, one of the zoo is got."""
    path = Path(source)
    if source in zoo.ZOO and not path.exists():
        zoo.provide(source)
        yield checkpoint_prefix(source)
    elif is_there(path) or not os.path.isfile(path):
        yield find_prefix(path)
    else:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder, "checkpoint")
            unpack(path, target)
            try:
                yield target / STEM
            except InputError as error:
                raise InputError(str(error).replace(str(target / STEM), source)) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m detectors", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sub = _add(commands, "get", get)
    sub.add_argument("name", choices=zoo.ZOO, metavar="NAME", help=f"one of {', '.join(zoo.ZOO)}")
    sub.add_argument("--from", dest="source", default=zoo.URL, metavar="URL",
                     help="where NAME.tar.gz lies (%(default)s)")
    given = "name in the zoo, archive (.tar.gz), folder or prefix of a checkpoint of the original detector"
    for name, run, source in (("describe", describe, given), ("import", import_checkpoint, given),
                              ("export", export, "prefix of a training checkpoint")):
        sub = _add(commands, name, run)
        sub.add_argument("source", help=source)
        sub.add_argument("--width", type=float, default=1.0, help="width multiplier of the network (default 1)")
        if run is describe:
            sub.add_argument("--csv", metavar="FILE", help="write what became of every variable")
        else:
            sub.add_argument("prefix", help="where to write: a folder, or a path without suffix (mine/model.ckpt)")
        if run is export:
            sub.add_argument("--kind", default=next(iter(SCOPES)), choices=SCOPES)
            sub.add_argument("--depth", type=int, default=101, choices=DEPTHS["ssd_resnet101_fpn"],
                             help="layers of ResNet (default 101)")
            sub.add_argument("--classes", type=int, required=True, help="classes that the detector was trained for")
        else:
            sub.add_argument("--kind", choices=SCOPES, help="default: by the names of the variables")
    return parser


def _add(commands: argparse._SubParsersAction, name: str, run) -> argparse.ArgumentParser:
    sub = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
    sub.set_defaults(run=run)
    return sub


if __name__ == "__main__":
    raise SystemExit(main())
