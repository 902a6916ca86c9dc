"""``python -m predict COMMAND``: what do learning curves say? Each module of predict/commands is a command."""

from __future__ import annotations

import argparse
import sys

from datasets.errors import command
from predict.commands import backtest, check, classes, compare, cost, forecast, gain, survey, target

COMMANDS = (forecast, survey, backtest, check, compare, target, gain, cost, classes)


@command
def main(argv: list[str] | None = None) -> int | None:
    arguments = _parser().parse_args(argv)
    return arguments.run(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m predict", description="What do learning curves say?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
