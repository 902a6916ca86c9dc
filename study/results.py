"""The results table: one row per run, metric and class, out of the runs' result files."""

from __future__ import annotations

from typing import Any

import pandas as pd

from datasets.errors import InputError
from datasets.files import read_json, whole_file
from study.config import Study
from study.layout import StudyFolder
from study.matrix import cells

COLUMNS = ("dataset", "detector", "recipe", "fraction", "images", "boxes", "draw", "seed", "metric", "class", "value",
           "stderr", "low", "high", "steps", "checkpoint", "seconds", "chosen")


def collect(study: Study, folder: StudyFolder) -> pd.DataFrame:
    """Write results.csv from the result files of the study's cells, and return it. A cell without one is left out."""
    rows = [row for cell in cells(study) if (path := folder.run(cell).result).exists() for row in _rows(path)]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    with whole_file(folder.results) as part:
        table.to_csv(part, index=False)
    return table


def _rows(path) -> list[dict[str, Any]]:
    result = read_json(path)
    try:
        run = result["cell"] | {key: result[key] for key in ("recipe", "images", "boxes", "steps", "checkpoint")}
        run["chosen"] = result.get("chosen", "last")
        run["seconds"] = result["train_seconds"] + result["evaluate_seconds"]
        return [run | metric for metric in result["metrics"]]
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: not a result file of this version ({error}); delete it and run the study "
                         "again") from None
