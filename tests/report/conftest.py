"""A small synthetic study on disk: ten classes, seven subsets, two draws of the small ones."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from charts.prevalence import prevalence
from charts.save import save_figure
from datasets.files import write_json, write_text
from datasets.orders.order import Order, write_order
from study.config import DatasetConfig, DetectorConfig, Forecast, Recipe, Repeats, Study
from study.layout import StudyFolder
from study.load import dump_study
from study.matrix import Cell, cells

CHECKS = {"of": [], "compared": [2500, 600], "shared": 2, "findings": [
    {"split": "train", "finding": "leak", "action": "kept", "what": "training images identical to a validation image",
     "records": 2, "examples": ["train/1.png = val/7.png", "train/2.png = val/8.png"]}]}
WHOLE = 2500
CLASSES = [str(digit) for digit in range(10)]
COLUMNS = ["dataset", "detector", "recipe", "fraction", "images", "boxes", "draw", "seed", "metric", "class", "value",
           "stderr", "low", "high", "steps", "checkpoint", "seconds"]
FRACTIONS = (1, 2.5, 5, 10, 20, 50, 100)


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory) -> StudyFolder:
    return make_study(tmp_path_factory.mktemp("study"))


def make_study(root: Path) -> StudyFolder:
    """Write every file a finished study leaves that a report may show."""
    study = Study(name="digits", datasets=(DatasetConfig(name="digits", root="data/digits"),), fractions=FRACTIONS,
                  detectors=(DetectorConfig(name="mobile", width=0.35, input_size=128, recipes={"scaled": Recipe()}),),
                  draws=Repeats(up_to=10, count=2), forecast=Forecast(metric="AP50", fit_up_to=20))
    folder = StudyFolder(root)
    write_text(folder.config, dump_study(study))
    noise = np.random.default_rng(5)
    results = [_result(cell, noise) for cell in cells(study)]
    for cell, result in zip(cells(study), results):
        write_json(folder.run(cell).result, result)
    _write_table(folder.results, [row for result in results for row in _rows(result)])
    write_order(folder.order("digits", 0), Order("random", 0, "/data/instances_train.json", "ab" * 32,
                                                 tuple(range(WHOLE)), FRACTIONS))
    _write_table(folder.prevalence("digits"), _prevalence())
    write_json(folder.checks("digits"), CHECKS)
    folder.charts.mkdir()
    save_figure(prevalence(pd.read_csv(folder.prevalence("digits"), dtype={"class": str})),
                folder.charts / "prevalence_digits")
    picture = noise.integers(0, 255, (60, 200, 3)).astype(np.uint8)
    Image.fromarray(picture).save(folder.charts / "collage_digits.png")
    return folder


def _result(cell: Cell, noise: np.random.Generator) -> dict:
    images = int(WHOLE * cell.fraction / 100)
    overall = 0.85 - 0.75 * (images / 25) ** -0.45 + noise.normal(scale=0.008)
    metrics = [_metric(name, "", overall * share) for name, share in (("AP50", 1.0), ("AP", 0.55))]
    metrics += [_metric("AP50", name, float(np.clip(overall + noise.normal(scale=0.05), 0, 1))) for name in CLASSES]
    metrics += [_metric("loss", "", 2.5)]
    return {"cell": {"dataset": cell.dataset, "detector": cell.detector, "fraction": cell.fraction, "draw": cell.draw,
                     "seed": cell.seed},
            "recipe": "scaled", "images": images, "boxes": 4 * images, "steps": 800, "checkpoint": "ckpt-800",
            "train_seconds": 61.5, "evaluate_seconds": 4.2, "images_per_second": 208.0, "device": "CPU (2 cores)",
            "fingerprint": "0", "metrics": metrics}


def _metric(name: str, category: str, value: float) -> dict:
    bar = {"stderr": 0.01, "low": value - 0.02, "high": value + 0.02}
    return {"metric": name, "class": category, "value": value} | bar


def _rows(result: dict) -> list[dict]:
    common = result["cell"] | {key: result[key] for key in ("recipe", "images", "boxes", "steps", "checkpoint")}
    return [common | {"seconds": result["train_seconds"]} | metric for metric in result["metrics"]]


def _prevalence() -> list[dict]:
    """The class of rank r has a box in every (3 r + 1)-th image, so that the smallest subset lacks the last one."""
    sizes = [("train", f, int(WHOLE * f / 100)) for f in FRACTIONS] + [("validation", 100, 600)]
    return [{"split": split, "fraction": fraction, "subset": size, "class": name, "boxes": size // (3 * rank + 1),
             "images": size // (3 * rank + 1), "small": size // (3 * rank + 1), "medium": 0, "large": 0}
            for split, fraction, size in sizes for rank, name in enumerate(CLASSES)]


def _write_table(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    names = COLUMNS if "metric" in rows[0] else list(rows[0])
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows(rows)
