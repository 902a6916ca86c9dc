"""How long the page of a large study takes, and how much it weighs: `python -m benchmarks.report`.

A made-up study of 210 runs (two detectors, eleven subsets, two draws and five seeds of each) and 80 classes, with its
charts and six pictures, is rendered from the shell. Beside it, in turn, what importing pandas and matplotlib
takes.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.answer import seconds
from datasets.errors import command
from datasets.files import write_json, write_text
from datasets.orders.order import FRACTIONS
from datasets.parser import Parser
from study.config import DatasetConfig, DetectorConfig, Forecast, Recipe, Repeats, Study
from study.layout import StudyFolder
from study.load import dump_study
from study.matrix import Cell, cells

WHOLE = 100_000  # images
CLASSES = [f"class {number}" for number in range(80)]
PICTURES = [f"{kind}_street_{detector}" for kind in ("detections", "mistakes") for detector in ("small", "large")]
PICTURES += ["collage_street", "collage_street_2"]
IMPORTS = [sys.executable, "-c", "import pandas, matplotlib.figure"]
ROUNDS = 5


def write_study(root: Path) -> StudyFolder:
    """Write a finished study of 210 runs: power laws of 80 classes with noise, charts, pictures with grain."""
    from predict.__main__ import main as predict
    from study.results import collect

    detectors = tuple(DetectorConfig(name=name, recipes={"scaled": Recipe()}) for name in ("small", "large"))
    study = Study(name="large", datasets=(DatasetConfig(name="street", root="street"),), detectors=detectors,
                  fractions=(*FRACTIONS[:-2], 60, *FRACTIONS[-2:]), draws=Repeats(up_to=100, count=2),
                  seeds=Repeats(up_to=100, count=5), forecast=Forecast(metric="AP50", fit_up_to=20))
    folder, noise = StudyFolder(root), np.random.default_rng(0)
    write_text(folder.config, dump_study(study))
    for cell in cells(study):
        write_json(folder.run(cell).result, _result(cell, noise))
    collect(study, folder)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        predict(["compare", str(folder.results), "--metric", "AP50", "--out", str(folder.charts)])
    for name in PICTURES:
        _picture(noise).save(folder.charts / f"{name}.png")
    return folder


def _picture(noise: np.random.Generator) -> Image.Image:
    """Return blurred patches under a film's grain, 1500 x 1500 pixels: some 4 MB as PNG, more than photographs take."""
    patches = Image.fromarray(noise.integers(0, 255, (75, 75, 3)).astype(np.uint8)).resize((1500, 1500))
    grain = noise.normal(0, 4, (1500, 1500, 1))
    return Image.fromarray(np.clip(np.asarray(patches) + grain, 0, 255).astype(np.uint8))


def _result(cell: Cell, noise: np.random.Generator) -> dict[str, Any]:
    images = int(WHOLE * cell.fraction / 100)
    error = (0.5 if cell.detector == "large" else 0.6) * (images / WHOLE) ** -0.12
    by_class = np.clip(1 - error * np.linspace(0.7, 1.2, len(CLASSES)) + noise.normal(0, 0.01, len(CLASSES)), 0, 1)
    metrics = [_metric(metric, name, share * value) for metric, share in (("AP", 0.6), ("AP50", 1.0))
               for name, value in [("", by_class.mean()), *zip(CLASSES, by_class)]]
    return {"cell": {"dataset": cell.dataset, "detector": cell.detector, "fraction": cell.fraction, "draw": cell.draw,
                     "seed": cell.seed}, "recipe": "scaled", "images": images, "boxes": 7 * images, "steps": 9000,
            "checkpoint": "ckpt-9000", "train_seconds": 3600.0, "evaluate_seconds": 60.0, "metrics": metrics}


def _metric(metric: str, name: str, value: float) -> dict[str, Any]:
    bar = {"stderr": 0.01, "low": value - 0.02, "high": value + 0.02}
    return {"metric": metric, "class": name, "value": float(value)} | bar


def make_parser() -> Parser:
    return Parser(prog="python -m benchmarks.report", description=__doc__,
                  epilog="example:\n  python -m benchmarks.report\n")


@command
def main(argv: list[str] | None = None) -> None:
    make_parser().parse_args(argv)
    with tempfile.TemporaryDirectory() as root:
        folder = write_study(Path(root))
        report = [sys.executable, "-m", "report", str(folder.root)]
        seconds(report), seconds(IMPORTS)  # once uncounted, to fill the disk's cache
        pairs = [(seconds(report), seconds(IMPORTS)) for _ in range(ROUNDS)]
        weight = folder.report.stat().st_size
    page, imports = (statistics.median(column) for column in zip(*pairs))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"page of 210 runs and {len(CLASSES)} classes: {page:.1f} s, {weight / 1e6:.1f} MB; importing pandas and "
          f"matplotlib: {imports:.1f} s; median ratio {ratio:.1f} ({ROUNDS} pairs)")


if __name__ == "__main__":
    sys.exit(main())
