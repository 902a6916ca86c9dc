"""The manners of all command lines here: help that ends with examples, a mistake in one line, answers as JSON."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, NoReturn

from datasets.files import json_text


class Parser(argparse.ArgumentParser):
    """A parser that keeps the lines of its description and epilog, and to which a mistake is one line."""

    def __init__(self, **options: Any):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {' '.join(message.split())}; see {self.prog} --help\n")


def add_json(parser: argparse.ArgumentParser, instead: str = "text") -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help=f"print one JSON object instead of {instead}")


@contextmanager
def answering(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield an answer to fill. With --json it is printed at the end, and what is printed meanwhile goes to stderr."""
    answer: dict[str, Any] = {}
    if not args.json:
        yield answer
        return
    with redirect_stdout(sys.stderr):
        yield answer
    print_json(answer)


def print_json(answer: dict[str, Any]) -> None:
    """Print an answer as one JSON object; what is not finite is null."""
    print(json_text(answer))


def number(text: str, example: str) -> float:
    """Return the number that an argument spells. Raises ArgumentTypeError, with an example, where it spells none."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no number; give one such as {example}") from None


def percent(text: str) -> float:
    """Return a share in (0, 100]."""
    value = number(text, "20")
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is no share; give per cent above 0 and up to 100")
    return value


def count(text: str) -> int:
    """Return a whole number of 1 or more."""
    value = number(text, "3")
    if not 1 <= value < math.inf or value % 1:
        raise argparse.ArgumentTypeError(f"{text} is no count; give a whole number, 1 or more")
    return int(value)
