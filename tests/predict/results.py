"""Tables of results with known laws, as a study writes them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

COLUMNS = ("dataset", "detector", "recipe", "fraction", "images", "boxes", "draw", "seed", "metric", "class", "value",
           "stderr", "low", "high", "steps", "checkpoint", "seconds", "chosen")
EXPONENTS = {"ssd": 0.2, "fpn": 0.25}
FRACTIONS = (1.0, 5.0, 20.0, 100.0)


def write_results(path: Path, detectors: Sequence[str] = ("ssd", "fpn"), datasets: Sequence[str] = ("digits", "street"),
                  classes: Sequence[str] = ("one", "two"), fractions: Sequence[float] = FRACTIONS,
                  repeats: tuple[int, int] = (2, 2), stderr: str = "0.005", recipe: str = "scaled",
                  loss: bool = True, metrics: Sequence[str] = ("AP",)) -> Path:
    """Write metrics = 1 - .9 n^-exponent; at 1 % there are draws and seeds (`repeats`), each number .01 higher."""
    rows = []
    for dataset in datasets:
        for detector in detectors:
            for fraction in fractions:
                draws, seeds = repeats if fraction == 1 else (1, 1)
                for draw in range(draws):
                    for seed in range(seeds):
                        images = 40 * fraction
                        error = 0.9 * images ** -EXPONENTS.get(detector, 0.3)
                        run = {"dataset": dataset, "detector": detector, "recipe": recipe, "fraction": fraction,
                               "images": images, "boxes": 3 * images, "draw": draw, "seed": seed,
                               "seconds": 60 + images}
                        value = 1 - error + 0.01 * (draw + seed)
                        rows += [run | {"metric": metric, "class": name, "value": value, "stderr": stderr}
                                 for metric in metrics for name in ("", *classes)]
                        rows += [run | {"metric": "loss", "class": "", "value": 5 * error}] * loss
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path
