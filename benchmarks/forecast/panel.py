"""The curves that forecasts are judged on, each with what may be fitted and what came.

Detection: the four published in 2019, and ten of the literature (predict/data). Scaling: 36 vision curves and five of
translation from the benchmark of Alabdulmohsin et al. 2022 (benchmarks/forecast/data).
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from predict.observations import Observations, average_repeats
from predict.tables import PUBLISHED_2019, Curve, read_curves

LITERATURE = PUBLISHED_2019.with_name("detection_literature.csv")
SCALING = Path(__file__).parent / "data" / "scaling_law_benchmark.csv.gz"
PUBLISHED = "published 2019"
TRANSLATION = "translation"
SCALING_GROUPS = {"bird": "birds", "inet": "ImageNet", "log_perplexity": TRANSLATION}
METRICS = {"AP50:95 val2017": "AP"}  # as this project's tables call it
FIT = "fit"  # what the columns `use` and `split` call a point that may be fitted


@dataclass(frozen=True, eq=False)
class PanelCurve:
    """One finished curve."""

    name: str
    group: str
    fitted: Observations  # the points that may be fitted, never the largest
    observed: Observations  # every point

    @property
    def held_out(self) -> np.ndarray:
        """Which points of `observed` are to be forecast, bool [n]."""
        return ~np.isin(self.observed.images, self.fitted.images)

    @property
    def truth(self) -> float:
        """The value at the largest size."""
        return float(self.observed.values[-1])


def published_curves(fit_up_to: float = 5) -> list[PanelCurve]:
    """Return the four curves of 2019, fitted up to a share in per cent; the invented row of 0 images is not read."""
    observed = [average_repeats(curve) for curve in read_curves(PUBLISHED_2019)]
    return [PanelCurve(each.name, PUBLISHED, each.up_to(fit_up_to), each) for each in observed]


def literature_curves() -> list[PanelCurve]:
    """Return the ten detection curves of the literature; the column `use` says what may be fitted."""
    with LITERATURE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [_panel_curve(name, mine[0]["group"], [row["use"] for row in mine],
                         [float(row["n_images"]) for row in mine], [float(row["value_pts"]) / 100 for row in mine],
                         METRICS.get(mine[0]["metric"], mine[0]["metric"]))
            for name, mine in _by(rows, "curve_id").items()]


def detection_panel() -> list[PanelCurve]:
    """Return all fourteen detection curves, in five groups; the published four fitted on at most 5 %."""
    return published_curves() + literature_curves()


def scaling_curves() -> list[PanelCurve]:
    """Return the curves of the scaling-law benchmark in its own split: 1 - error (or loss) over examples seen.

    The groups are birds, ImageNet (few-shot errors on either) and translation (log-perplexities, all below 1).
    """
    with gzip.open(SCALING, "rt", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [_panel_curve(name, _scaling_group(name), [row["split"] for row in mine],
                         [float(row["examples"]) for row in mine], [1 - float(row["error"]) for row in mine],
                         "1 - log-perplexity" if _scaling_group(name) == TRANSLATION else "accuracy")
            for name, mine in _by(rows, "curve").items()]


def _scaling_group(name: str) -> str:
    """Return the group of a curve called domain|task_shots|model."""
    task = name.split("|")[1]
    return SCALING_GROUPS.get(task) or SCALING_GROUPS[task.partition("_")[0]]


def _by(rows: Iterable[Mapping[str, str]], column: str) -> dict[str, list[Mapping[str, str]]]:
    groups: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        groups.setdefault(row[column], []).append(row)
    return groups


def _panel_curve(name: str, group: str, uses: Sequence[str], images: Sequence[float], values: Sequence[float],
                 metric: str) -> PanelCurve:
    every = np.ones(len(images), bool)
    fitted, observed = (_observe(name, np.array(images), np.array(values), metric, keep)
                        for keep in (np.array(uses) == FIT, every))
    return PanelCurve(name, group, fitted, observed)


def _observe(name: str, images: np.ndarray, values: np.ndarray, metric: str, keep: np.ndarray) -> Observations:
    unknown = np.full(keep.sum(), np.nan)
    return average_repeats(Curve(name, images[keep], values[keep], unknown, metric, whole=float(images.max())))
