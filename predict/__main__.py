"""``python -m predict COMMAND``: what do learning curves say? Each module of predict/commands is a command."""

from __future__ import annotations

import sys

from datasets.errors import command
from datasets.parser import Parser
from predict.commands import backtest, check, classes, compare, cost, forecast, gain, survey, target

COMMANDS = (forecast, survey, backtest, check, compare, target, gain, cost, classes)
EXAMPLES = """examples:
  python -m predict forecast predict/data/published_2019.csv --fit-up-to 5
  python -m predict target predict/data/published_2019.csv --map 40
  python -m predict forecast --help
"""


@command
def main(argv: list[str] | None = None) -> int | None:
    arguments = make_parser().parse_args(argv)
    return arguments.run(arguments)


def make_parser() -> Parser:
    parser = Parser(prog="python -m predict", description="What do learning curves say?", epilog=EXAMPLES)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
