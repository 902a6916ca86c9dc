"""What the figures are held against."""

from __future__ import annotations

import math
from dataclasses import dataclass

from predict.scores import Coverage

CLUSTERED = 2  # standard errors by which a coverage may fall short


@dataclass(frozen=True)
class Goal:
    """A figure and the range that it should lie in."""

    name: str
    value: float
    low: float = -math.inf
    high: float = math.inf
    note: str = ""

    @property
    def reached(self) -> bool:
        return self.low <= self.value <= self.high

    def cells(self) -> tuple[str, ...]:
        """Return its row of a table."""
        if math.isinf(self.low):
            wanted = f"at most {self.high:.3g}"
        elif math.isinf(self.high):
            wanted = f"at least {self.low:.3g}"
        else:
            wanted = f"{self.low:.3g} to {self.high:.3g}"
        return self.name, f"{self.value:.3g}{self.note}", wanted, "yes" if self.reached else "no"


def covers(name: str, level: int, held: Coverage) -> Goal:
    """Return the goal that a coverage is not below its level by more than CLUSTERED of its standard errors."""
    return Goal(name, held.share, level / 100 - CLUSTERED * held.stderr, note=f" ± {held.stderr:.2g}")
