"""The examples of README and docs: fenced blocks, and the commands in them; those in the configurations' comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "docs/*.md", "predict/data/README.md", "benchmarks/forecast/data/README.md")
COMMENTED = ("configs/**/*.yaml", "*.py", "*/__main__.py", "*/commands/*.py")  # commands in comments and in epilogs
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>.*)$")
HERE_DOCUMENT = re.compile(r"<<-?\s*['\"]?(\w+)")
IN_COMMENT = re.compile(r"^(?:#|) {2,}(?:.*, or: )?(?P<command>python (?:-m \w|\w+\.py ).*?)(?: {2,}\S.*)?$")


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    document: str
    line: int  # of its first line inside the fence, from 1
    info: str  # what stands after the opening fence
    text: str
    follows: bool = False  # right after the block before it

    @property
    def language(self) -> str:
        return self.info.partition(" ")[0]

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"


@dataclass(frozen=True)
class Command:
    """One command of a document, as it is given to a shell."""

    document: str
    line: int
    text: str
    download: bool = False  # from a block that says so

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"


def pages() -> list[str]:
    """Return the documents that have fenced blocks, relative to the repository."""
    return [path.relative_to(ROOT).as_posix() for pattern in PAGES for path in sorted(ROOT.glob(pattern))
            if any(blocks(path.relative_to(ROOT).as_posix()))]


def blocks(document: str) -> Iterator[Block]:
    """Yield the fenced blocks of a document, without their indentation."""
    opened: tuple[int, str, str] | None = None
    inside: list[str] = []
    last_end = -1
    lines = (ROOT / document).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        fence = FENCE.match(line)
        if fence and opened:
            start, indent, info = opened
            text = "".join(f"{each.removeprefix(indent)}\n" for each in inside)
            follows = last_end > 0 and not any(each.strip() for each in lines[last_end:start - 2])
            yield Block(document, start, info, text, follows)
            opened, inside, last_end = None, [], number
        elif fence:
            opened = number + 1, fence["indent"], fence["info"].strip()
        elif opened:
            inside.append(line)


def commands(block: Block) -> Iterator[Command]:
    """Yield the commands of a block: lines joined where they go on, comments and empty ones left out."""
    lines = iter(enumerate(block.text.splitlines(), block.line))
    for number, line in lines:
        text = line
        while text.endswith("\\") or text.count("$(") > text.count(")"):
            text = f"{text}\n{next(lines)[1]}"
        if end := HERE_DOCUMENT.search(text):
            while text.splitlines()[-1].strip() != end[1]:
                text = f"{text}\n{next(lines)[1]}"
        if text.strip() and not text.lstrip().startswith("#"):
            yield Command(block.document, number, text, "download" in block.info.split())


def commented() -> Iterator[Command]:
    """Yield the commands that comments of configurations and the examples of --help give."""
    for path in sorted({path for pattern in COMMENTED for path in ROOT.glob(pattern)}):
        document = path.relative_to(ROOT).as_posix()
        lines = iter(enumerate(path.read_text(encoding="utf-8").splitlines(), 1))
        for number, line in lines:
            if (found := IN_COMMENT.match(line)) and "..." not in line:
                text = found["command"].strip()
                while text.endswith("\\"):
                    text = text.rstrip("\\") + next(lines)[1].strip("# ")
                yield Command(document, number, text)
