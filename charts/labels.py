"""Names as they can be written in a chart, and the rows that charts of many classes share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from os.path import commonprefix

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from datasets.prevalence.text import columns_of, shorten

LONGEST = 36  # characters of a class name
NAME = 32  # characters of a curve's, a detector's or a data set's name
WORD = 9  # letters of a word that names share a part of, up to which it is left whole
BETWEEN = r"[\W_]"  # words
ROW, TALLEST = 0.24, 400  # inches: of a class, and of a figure that can still be written


def plain(name: str, width: int = LONGEST) -> str:
    """Return a name of at most `width` characters that matplotlib writes as it is, dollar signs too."""
    return shorten(name, width).replace("$", r"\$")


def short_names(names: Iterable[str], width: int = NAME) -> dict[str, str]:
    """Return a text for each name as matplotlib writes it, no two alike, of at most about `width` characters.

    Where a name is longer, all lose what they share at either end; what is too long even then loses its middle.
    """
    unique, texts = list(dict.fromkeys(names)), {}
    for name, text in zip(unique, _shorten(unique, width)):
        number, free = 1, text
        while free in texts.values():
            number += 1
            free = f"{text} ({number})"
        texts[name] = free
    return {name: text.replace("$", r"\$") for name, text in texts.items()}


def class_axes(names: Iterable[str], title: str, rows: int = 0) -> tuple[Figure, Axes]:
    """Return a figure with a row for each of `names`, the first on top, at least as high as `rows` rows."""
    names = list(names)
    texts = short_names(names, LONGEST)
    labels = [texts[name] for name in names]
    figure = Figure(figsize=(8, min(TALLEST, 1.5 + ROW * max(len(labels), rows))), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.3, -0.7)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _shorten(names: Sequence[str], width: int) -> list[str]:
    """Return a text per name; those that would be alike are told apart by what they do not share among themselves."""
    if len(names) < 2 or max(map(columns_of, names)) <= width:
        return [shorten(name, width) for name in names]
    head, tail = _shared(names)
    texts = [shorten("…" * (head > 0) + name[head:len(name) - tail] + "…" * (tail > 0), width) for name in names]
    for text in dict.fromkeys(texts):
        alike = [at for at, other in enumerate(texts) if other == text]
        if 1 < len(alike) < len(names):
            for at, apart in zip(alike, _shorten([names[at] for at in alike], width)):
                texts[at] = apart
    return texts


def _shared(names: Sequence[str]) -> tuple[int, int]:
    """Return how many characters different names share at their start and at their end, whole words of them."""
    least = min(map(len, names)) - 1
    head = min(least, len(commonprefix(names)))
    tail = min(least - head, len(commonprefix([name[::-1] for name in names])))
    before, after = names[0][:head], names[0][len(names[0]) - tail:]
    part, other = len(re.split(BETWEEN, before)[-1]), len(re.split(BETWEEN, after)[0])
    return head - part * (part <= WORD), tail - other * (other <= WORD)
