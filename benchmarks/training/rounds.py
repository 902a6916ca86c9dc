"""Times side by side: the sides take turns, so that what else the machine does meets all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Step = Callable[[], object]  # one training step, to its end


@dataclass(frozen=True)
class Ratio:
    """One side's time over another's: the median over the rounds, and the lowest and the highest of them."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.low:.2f} - {self.high:.2f})"


def take_turns(sides: Mapping[str, Step], rounds: int, steps: int = 1, ahead: int = 0) -> dict[str, list[float]]:
    """Return the seconds of a step of each side, in each of the rounds.

    In a round every side does `ahead` steps that are not counted, then `steps` that are. The first step of all, which
    traces and compiles, is done before, and not counted. The sides start in another order in every round.
    """
    for step in sides.values():
        step()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            for _ in range(ahead):
                sides[name]()
            began = time.perf_counter()
            for _ in range(steps):
                sides[name]()
            seconds[name].append((time.perf_counter() - began) / steps)
    return seconds


def ratio(over: Sequence[float], under: Sequence[float]) -> Ratio:
    """Return how the times of `over` compare with those of `under` in the same rounds."""
    ratios = [a / b for a, b in zip(over, under)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))
