"""What was measured, as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.training.rounds import Ratio

REFERENCE, OURS, BOOTSTRAP = "pycocotools", "ours", "bootstrap"


@dataclass(frozen=True)
class Cost:
    """One process: seconds of its steps, peak resident megabytes, and the figures it came to."""

    importing: float
    reading: float
    evaluating: float
    process: float  # seconds from its start to its end
    megabytes: float
    import_megabytes: float  # the peak when its imports were done
    values: dict[str, float]

    @property
    def total(self) -> float:
        """Seconds from the files to the figures."""
        return self.reading + self.evaluating


@dataclass(frozen=True)
class Finding:
    """A ratio and what it should be, where that is said."""

    name: str
    ratio: Ratio
    goal: float | None
    at_most: bool  # or at least

    def cells(self) -> tuple[str, ...]:
        """Return its row of a table."""
        if self.goal is None:
            return self.name, str(self.ratio), "-", "-"
        reached = self.ratio.middle <= self.goal if self.at_most else self.ratio.middle >= self.goal
        return (self.name, str(self.ratio), f"at {'most' if self.at_most else 'least'} {self.goal:.3g}",
                "yes" if reached else "no")


def differences(values: dict[str, float], reference: dict[str, float]) -> list[str]:
    """Return the figures in which `values` is not `reference` to the last bit."""
    return [name for name in reference if values.get(name) != reference[name]]


def scoring_table(costs: dict[str, list[Cost]]) -> str:
    """Return a row per contender: medians of seconds over the rounds, highest memory, and whether it is right."""
    reference = costs[REFERENCE][0].values
    rows: list[Sequence[object]] = []
    for name, taken in costs.items():
        steps = [statistics.median(getattr(cost, step) for cost in taken)
                 for step in ("total", "reading", "evaluating", "process")]
        wrong = sorted({figure for cost in taken for figure in differences(cost.values, reference)})
        verdict = "-" if name == BOOTSTRAP else f"{len(reference)} of {len(reference)}" if not wrong else \
            f"differs in {', '.join(wrong[:4])}"
        rows.append((name, *(f"{seconds:.2f}" for seconds in steps), f"{max(cost.megabytes for cost in taken):.0f}",
                     f"{max(cost.megabytes - cost.import_megabytes for cost in taken):.0f}", verdict))
    return table(("way", "files to figures, s", "reading", "evaluating", "process, s", "peak MB", "MB over imports",
                  "figures equal"), rows)


def detection_table(measured: dict) -> str:
    """Return a row per side: milliseconds an image, images a second."""
    rows = []
    for name, seconds in measured["seconds"].items():
        each = statistics.median(seconds) / measured["images"]
        rows.append((name, f"{1000 * each:.1f}", f"{1 / each:.1f}"))
    return table(("detection", "ms an image", "images/s"), rows)


def findings_table(findings: Sequence[Finding]) -> str:
    """Return a row per ratio."""
    return table(("ratio", "median (lowest - highest)", "goal", "reached"), [found.cells() for found in findings])


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table whose columns line up."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
