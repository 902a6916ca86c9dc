"""The results table: one row per run, metric and class, out of the runs' result files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from datasets.files import whole_file
from study.config import Study
from study.layout import StudyFolder
from study.matrix import Cell, cells
from study.result_file import read_result

COLUMNS = ("dataset", "detector", "recipe", "fraction", "images", "boxes", "class_boxes", "draw", "seed", "metric",
           "class", "value", "stderr", "low", "high", "low_80", "high_80", "sd_seeds", "sd_draws", "steps",
           "checkpoint", "seconds", "chosen")
FIGURE = ("dataset", "detector", "recipe", "fraction", "metric", "class")  # what runs are repeated of


@dataclass(frozen=True)
class Spread:
    """How far runs of one size lie apart."""

    sd: float  # standard deviation of a metric in [0, 1]
    freedom: float  # degrees of freedom that it is known by


def collect(study: Study, folder: StudyFolder, of: Sequence[Cell] | None = None) -> pd.DataFrame:
    """Write results.csv from the result files of the cells `of` the study, or of all, and return it.

    A cell without one is left out.
    """
    table = _tabulate(folder, cells(study) if of is None else of)
    with whole_file(folder.results) as part:
        table.to_csv(part, index=False)
    return table


def spreads(study: Study, folder: StudyFolder, cell: Cell, metric: str) -> tuple[Spread | None, Spread | None]:
    """Return the spread between seeds and between draws of `metric` over all classes, for runs of the cell's size.

    None where there is a single run.
    """
    alike = [c for c in cells(study)
             if (c.fraction, c.dataset, c.detector, c.searched)
             == (cell.fraction, cell.dataset, cell.detector, cell.searched)]
    table = _tabulate(folder, alike)
    table = table.loc[(table["metric"] == metric) & (table["class"] == "")].reset_index(drop=True)
    return _spread(table, fixed="draw"), _spread(table, fixed="seed")


def _spread(table: pd.DataFrame, fixed: str) -> Spread | None:
    """Return the spread of one figure's runs, or None."""
    sd, freedom = _deviation(table, fixed)
    return Spread(float(sd[0]), float(freedom[0])) if len(table) and freedom[0] > 0 else None


def _tabulate(folder: StudyFolder, of: Sequence[Cell]) -> pd.DataFrame:
    """Return the rows of the cells that have a result."""
    results = [read_result(folder.run(cell).result) for cell in of]
    rows = [row for result in results if result is not None for row in _rows(result)]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"class_boxes": "Int64"})
    table["sd_seeds"] = _deviation(table, fixed="draw")[0]
    table["sd_draws"] = _deviation(table, fixed="seed")[0]
    return table


def _deviation(table: pd.DataFrame, fixed: str) -> tuple[np.ndarray, np.ndarray]:
    """Return for each row the standard deviation of its figure between runs of one `fixed`, and its freedom.

    nan and 0 where there is a single run. Where there are several groups of such runs, their variances are pooled by
    their degrees of freedom.
    """
    values = table["value"].to_numpy(float)
    known = ~np.isnan(values)
    figure, alike = _numbers(table, FIGURE), _numbers(table, (*FIGURE, fixed))
    count = np.maximum(np.bincount(alike, known), 1)
    mean = np.bincount(alike, np.nan_to_num(values)) / count
    squares = np.bincount(figure, np.where(known, (values - mean[alike]) ** 2, 0))
    freedom = np.round(np.bincount(figure, np.where(known, 1 - 1 / count[alike], 0)))
    return np.sqrt(squares / np.where(freedom > 0, freedom, np.nan))[figure], freedom[figure]


def _numbers(table: pd.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    """Return int64 [rows]: one number for all rows that are alike in `columns`."""
    return table.groupby(list(columns), sort=False).ngroup().to_numpy(np.int64)


def _rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    run = result["cell"] | {key: result[key] for key in ("recipe", "images", "boxes", "steps", "checkpoint")}
    run["chosen"] = result.get("chosen", "last")
    run["seconds"] = result["train_seconds"] + result["evaluate_seconds"]
    boxes = result.get("class_boxes", {})
    return [run | metric | {"class_boxes": boxes.get(metric["class"])} for metric in result["metrics"]]
