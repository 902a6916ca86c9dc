"""How curve models are drawn: each alike in every chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from charts.axes import MARKERS
from charts.colours import FIRST
from charts.curves import FORECAST

PINK, VERMILION, GREEN, ORANGE = (FIRST[at] for at in (6, 5, 2, 0))
COLOURS = (PINK, VERMILION, "#006d77", "0.5", ORANGE, "#3d0f6b", "#8a8a00", "#d100d1", "#7a4a21", "#a4133c",
           GREEN)  # dark on white, none a blue
DASHES = ((0, (5, 2)), "-", (0, (1, 1.2)))  # in turn, so that curves that coincide are both seen


@dataclass(frozen=True)
class Look:
    """How one curve model is drawn."""

    colour: Any
    dashes: Any
    marker: str


def model_looks(models: Sequence[str]) -> dict[str, Look]:
    """Return the look of each of `models`, all that there are: by its place, the first in the forecasts' own blue."""
    first, *others = models
    return {first: Look(FORECAST, "-", MARKERS[0])} | {
        name: Look(*look) for name, *look in zip(others, cycle(COLOURS), cycle(DASHES), cycle(MARKERS[1:]))}
