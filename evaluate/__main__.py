"""``python -m evaluate COMMAND``: how good are these detections? Each module of evaluate/commands is a command."""

from __future__ import annotations

import argparse
import sys

from datasets.errors import command
from evaluate.commands import compare, pictures, run, score

COMMANDS = (score, run, compare, pictures)


@command
def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    return arguments.run(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluate", description="How good are these detections?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
