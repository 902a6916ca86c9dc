"""The run matrix: which cells a study consists of, small subsets first."""

from __future__ import annotations

from dataclasses import dataclass

from study.config import Repeats, Study


@dataclass(frozen=True, order=True)
class Cell:
    """One run: a detector trained on one subset. `fraction` is in per cent of the training images."""

    fraction: float
    dataset: str
    detector: str
    draw: int = 0
    seed: int = 0
    searched: bool = False  # trained with the hyperparameters that a search on this subset found best

    def __str__(self) -> str:
        return (f"{self.dataset} {self.detector} {fraction_key(self.fraction)} % draw {self.draw} seed {self.seed}"
                f"{' searched' * self.searched}")


def cells(study: Study) -> list[Cell]:
    """Return every cell of the study, small subsets first, so that a forecast exists early.

    Draws and seeds multiply. At 100 % every draw is the same set of images, so there is one.
    """
    return sorted(
        Cell(fraction, dataset.name, detector.name, draw, seed, searched)
        for fraction in study.fractions
        for dataset in study.datasets
        for detector in study.detectors
        for draw in range(repeats(study.draws, fraction) if fraction < 100 else 1)
        for seed in range(repeats(study.seeds, fraction))
        for searched in ((False, True) if study.search and fraction <= study.search.up_to else (False,))
    )


def repeats(rule: Repeats, fraction: float) -> int:
    """Return how many draws or seeds a subset of `fraction` per cent gets."""
    return rule.count if fraction <= rule.up_to else 1


def fraction_key(fraction: float) -> str:
    """Return the one spelling of a fraction in paths and commands: the shortest that reads back the same."""
    return repr(float(fraction)).removesuffix(".0")


def draws_of(study: Study) -> list[int]:
    """Return every draw that some subset uses; draw 0 is the one that reaches 100 %."""
    return sorted({cell.draw for cell in cells(study)})


def fractions_of(study: Study, draw: int) -> list[float]:
    """Return the fractions that `draw` is used for."""
    return sorted({cell.fraction for cell in cells(study) if cell.draw == draw})
