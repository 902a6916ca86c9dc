"""``python -m evaluate COMMAND``: how good are these detections? Each module of evaluate/commands is a command."""

from __future__ import annotations

import sys

from datasets.errors import command
from datasets.parser import Parser, answering
from evaluate.commands import compare, pictures, run, score

COMMANDS = (score, run, compare, pictures)
EXAMPLES = """examples:
  python -m evaluate score --truth instances_val.json --detections results.json
  python -m evaluate run configs/studies/embedded.yaml digits ssd_mobilenet_v2_small 10
  python -m evaluate compare --help
"""


@command
def main(argv: list[str] | None = None) -> None:
    arguments = make_parser().parse_args(argv)
    with answering(arguments) as answer:
        answer |= arguments.run(arguments)


def make_parser() -> Parser:
    parser = Parser(prog="python -m evaluate", description="How good are these detections?", epilog=EXAMPLES)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
