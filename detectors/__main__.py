"""``python -m detectors COMMAND``: checkpoints of the original detectors got, described, imported and exported."""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.errors import InputError, command
from datasets.files import write_text
from datasets.parser import Parser, add_json, answering
from detectors import runtime
from detectors.checkpoints import zoo
from detectors.checkpoints.archive import find_prefix, unpack
from detectors.kinds import DEPTHS, SCOPES
from study.checkpoints import DATA, STEM, checkpoint_prefix, is_there

if TYPE_CHECKING:
    from detectors.checkpoints.account import RestoreReport
    from detectors.detector import Detector

EXAMPLES = {
    "get": "python -m detectors get ssd_mobilenet_v2_oid_v4_2018_12_12",
    "describe": "python -m detectors describe configs/models/embedded_source/model.ckpt --width 0.35",
    "import": "python -m detectors import ssd_mobilenet_v2_oid_v4_2018_12_12.tar.gz checkpoints/mine/",
    "export": "python -m detectors export RUN/checkpoints/ckpt-4000 mine/model.ckpt --num-classes 20 --width 0.35",
}


@command
def main(argv: list[str] | None = None) -> None:
    """Run one of the commands."""
    options = make_parser().parse_args(argv)
    _check(options)
    with answering(options) as answer:
        answer |= options.run(options)


def _check(options: argparse.Namespace) -> None:
    """Raise InputError for numbers that no detector has. TensorFlow, which would find out, takes ten seconds."""
    if not 0 < getattr(options, "width", 1.0) < math.inf:
        raise InputError(f"--width {options.width:g}: give a positive, finite width, such as 0.35")
    if getattr(options, "num_classes", 1) < 1:
        raise InputError(f"--num-classes {options.num_classes}: a detector has one class at least")


def get(options: argparse.Namespace) -> dict[str, Any]:
    """Download a checkpoint of the original's zoo, or unpack its archive where that is in checkpoints/ already."""
    zoo.provide(options.name, options.url)
    folder = checkpoint_prefix(options.name).parent
    print(f"{options.name} is in {folder}")
    return {"checkpoint": options.name, "folder": folder}


def describe(options: argparse.Namespace) -> dict[str, Any]:
    """Check a checkpoint of the original detector and account for what it holds."""
    answer, _, report = _load(options)
    for row in report.rows:
        if row.fate == "re-initialised" or row.reason == "not part of the detector":
            print(f"  {row.fate:14}  {row.variable}: {row.reason}")
    if options.csv:
        write_text(options.csv, report.to_csv())
        print(f"wrote {options.csv}")
    return answer | {"variables": [vars(row) for row in report.rows]}


def import_checkpoint(options: argparse.Namespace) -> dict[str, Any]:
    """Check a checkpoint of the original detector and keep what belongs to the model."""
    answer, detector, _ = _load(options)
    from detectors.checkpoints.checkpoint import save

    target = _target(options.prefix)
    save(detector, target)
    print(f"wrote {target}")
    return answer | {"written": target}


def export(options: argparse.Namespace) -> dict[str, Any]:
    """Write a training checkpoint under the original's variable names."""
    source = find_prefix(options.source)
    runtime.start()  # before anything imports TensorFlow
    import tensorflow as tf

    from detectors.checkpoints.checkpoint import save
    from detectors.detector import build

    detector = build(options.kind, options.num_classes, width=options.width, depth=options.depth)
    step = tf.Variable(0, dtype=tf.int64)
    try:
        status = tf.train.Checkpoint(model=detector.model, global_step=step).read(str(source))
        status.assert_existing_objects_matched().expect_partial()
    except (AssertionError, ValueError, tf.errors.OpError):
        raise InputError(f"{source}: not a training checkpoint of {options.kind} with {options.num_classes} classes "
                         f"and width {options.width:g}; check --kind, --num-classes, --width and --depth") from None
    target = _target(options.prefix)
    save(detector, target, int(step))
    print(f"wrote {target} (step {int(step)})")
    return {"written": target, "step": int(step)}


def _target(prefix: str) -> Path:
    """Return the prefix to write to: in a folder, model.ckpt."""
    return Path(prefix, STEM) if prefix.endswith("/") or os.path.isdir(prefix) else Path(prefix)


def _load(options: argparse.Namespace) -> tuple[dict[str, Any], Detector, RestoreReport]:
    """Return what the checkpoint `options.source` is, its detector and the account, and print what was found."""
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
    answer = {"checkpoint": options.source, "kind": kind, "depth": depth, "classes": detector.num_classes,
              "parameters": detector.model.count_params(), "published": published}
    return answer, detector, report


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


def make_parser() -> Parser:
    lines = "\n".join(f"  {line}" for line in EXAMPLES.values())
    parser = Parser(prog="python -m detectors", description=__doc__, epilog=f"examples:\n{lines}\n")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sub = _add(commands, "get", get)
    sub.add_argument("name", choices=zoo.ZOO, metavar="NAME", help=f"one of {', '.join(zoo.ZOO)}")
    sub.add_argument("--url", default=zoo.URL, metavar="URL", help="where NAME.tar.gz lies (default: %(default)s)")
    add_json(sub)
    given = "name in the zoo, archive (.tar.gz), folder or prefix of a checkpoint of the original detector"
    for name, run, source in (("describe", describe, given), ("import", import_checkpoint, given),
                              ("export", export, "prefix of a training checkpoint")):
        sub = _add(commands, name, run)
        sub.add_argument("source", metavar="SOURCE", help=source)
        sub.add_argument("--width", type=float, default=1.0, metavar="X",
                         help="width multiplier of the network (default: 1)")
        if run is describe:
            sub.add_argument("--csv", metavar="FILE", help="write what became of every variable")
        else:
            sub.add_argument("prefix", metavar="PREFIX",
                             help="where to write: a folder, or a path without suffix (mine/model.ckpt)")
        if run is export:
            sub.add_argument("--kind", default=next(iter(SCOPES)), choices=SCOPES,
                             help="kind of detector (default: %(default)s)")
            sub.add_argument("--depth", type=int, default=101, choices=DEPTHS["ssd_resnet101_fpn"],
                             help="layers of ResNet (default: 101)")
            sub.add_argument("--num-classes", type=int, required=True, metavar="N",
                             help="classes that the detector was trained for")
        else:
            sub.add_argument("--kind", choices=SCOPES,
                             help="kind of detector (default: by the names of the variables)")
        add_json(sub)
    return parser


def _add(commands: argparse._SubParsersAction, name: str, run) -> argparse.ArgumentParser:
    sub = commands.add_parser(name, help=run.__doc__, description=run.__doc__, epilog=f"example:\n  {EXAMPLES[name]}\n")
    sub.set_defaults(run=run)
    return sub


if __name__ == "__main__":
    raise SystemExit(main())
