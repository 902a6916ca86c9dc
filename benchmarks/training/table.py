"""The figures as Markdown, for people, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.training.accelerator import Usage
from benchmarks.training.comparisons import Findings


def as_markdown(findings: Findings, usages: Sequence[Usage]) -> str:
    """Return the tables."""
    return "\n".join([
        *_table(("side", "pixels", "ms a step", "images/s"),
                [(side.name, side.pixels, f"{1000 * side.seconds:.0f}", f"{side.images_per_second:.1f}")
                 for side in findings.sides]),
        "",
        *_table(("ratio", "median (lowest - highest)", "goal", "reached"),
                [(found.name, found.ratio, f"at {'most' if found.at_most else 'least'} {found.goal}",
                  "yes" if found.reached else "no") for found in findings.comparisons]),
        *_usage(usages),
    ])


def as_json(findings: Findings, usages: Sequence[Usage]) -> dict:
    """Return everything measured, ready for json."""
    return {"sides": [asdict(side) for side in findings.sides],
            "comparisons": [asdict(found) | {"reached": found.reached} for found in findings.comparisons],
            "gpu": [asdict(usage) for usage in usages]}


def _usage(usages: Sequence[Usage]) -> list[str]:
    if not usages:
        return []
    header = ("detector", "precision", "XLA", "images/s", "from records", "waiting", "GB", "TFLOP/s", "of peak")
    return ["", *_table(header, [
        (usage.detector, usage.precision, "yes" if usage.xla else "no", f"{usage.in_memory:.0f}",
         f"{usage.from_records:.0f}", f"{usage.waiting:.0%}",
         "unknown" if usage.gigabytes is None else f"{usage.gigabytes:.1f}", f"{usage.teraflops:.2f}",
         "unknown" if usage.share_of_peak is None else f"{usage.share_of_peak:.1%}") for usage in usages])]


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]
