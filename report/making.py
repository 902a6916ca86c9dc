"""How a study was made: what determines it, and where its runs come from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets.orders.order import Order, read_order
from report.provenance import provenance_rows
from report.tables import Table
from study.config import DetectorConfig, Repeats, Study
from study.layout import StudyFolder
from study.search import Search


def making_table(study: Study, folder: StudyFolder, results: Sequence[dict[str, Any]]) -> Table:
    """Return what determines the study, and where it ran."""
    rows = [["subsets", ", ".join(f"{f:g} %" for f in study.fractions)],
            ["strategy", study.strategy],
            ["draws", _repeats(study.draws)],
            ["seeds", _repeats(study.seeds)],
            ["recipe", study.recipe],
            *([["search", _search(study.search)]] if study.search else []),
            ["error bars", f"bootstrap over the validation images, {study.bootstrap} resamples"],
            ["forecast", f"{study.forecast.metric}, from subsets up to {study.forecast.fit_up_to:g} %"]]
    rows += [[f"detector {d.name}", _architecture(d)] for d in study.detectors]
    orders = {d.name: folder.order(d.name, 0) for d in study.datasets}
    rows += [[f"data set {name}", _source(read_order(path))] for name, path in orders.items() if path.exists()]
    return Table("What determines this study", ["setting", "value"], rows + provenance_rows(results))


def _architecture(detector: DetectorConfig) -> str:
    depth = "" if detector.depth == 101 else f"depth {detector.depth}, "
    start = f"from {detector.checkpoint}" if detector.checkpoint else "from scratch"
    return f"{detector.kind}, {depth}width {detector.width:g}, {detector.input_size} px, {start}"


def _repeats(rule: Repeats) -> str:
    numbers = ", ".join(str(number) for number in range(rule.count))
    return f"{numbers} up to {rule.up_to:g} %, then 0" if rule.count > 1 else "0"


def _search(search: Search) -> str:
    method = "ASHA" if search.strategy == "asha" else "random search"
    return (f"{method} of {', '.join(search.space)} up to {search.up_to:g} %, {search.trials} trials at most, tuning "
            f"split of {search.hold_out:g} % of the subset, a look every {search.every:,} steps")


def _source(order: Order) -> str:
    return f"{len(order.image_ids):,} images of {Path(order.source).name}, SHA-256 {order.checksum[:16]}…"
