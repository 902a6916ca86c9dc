"""Curves and errors to draw."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


def around(values, stderr):
    """Return 80 % intervals float64 [n, 2] of values [n]."""
    return values[:, None] + stderr * np.array([-1.2816, 1.2816])


@dataclass
class Points:
    images: np.ndarray
    values: np.ndarray
    interval_80: np.ndarray
    whole: float = 0.0


@dataclass
class Curve:
    """A detector's curve: `runs` at the first size, one at each other."""

    dataset: str = "digits"
    detector: str = "ssd"
    metric: str = "AP"
    category: str = ""
    sizes: tuple[float, ...] = (100, 1000, 10_000)
    means: tuple[float, ...] = (0.2, 0.3, 0.4)
    stderr: float = 0.01  # of bars as long as 80 % intervals of a normal distribution
    runs: tuple[float, ...] = (0.2,)
    observed: Points = field(init=False)
    curve: Points = field(init=False)

    def __post_init__(self):
        sizes, means = np.array(self.sizes, dtype=float), np.array(self.means)
        self.observed = Points(sizes, means, around(means, self.stderr), sizes[-1])
        first = np.full(len(self.runs), sizes[0])
        self.curve = Points(np.r_[first, sizes[1:]], np.r_[self.runs, means[1:]], np.array([]))


@dataclass
class Errors:
    dataset: str = "digits"
    detector: str = "ssd"
    quantity: str = "1 - AP"
    images: np.ndarray = field(default_factory=lambda: np.array([100.0, 1000, 10_000]))
    values: np.ndarray = field(default_factory=lambda: np.array([0.8, 0.6, 0.5]))
    interval_80: np.ndarray = field(default_factory=lambda: around(np.array([0.8, 0.6, 0.5]), 0.02))


@dataclass
class Beta:
    value: float
    low: float
    high: float


@dataclass
class Law:
    alpha: float
    beta: Beta

    def at(self, images):
        return self.alpha * images**-self.beta.value
