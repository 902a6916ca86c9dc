"""What a study's page says, as plain sentences and tables. Files that a study lacks leave their tables out."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from datasets.orders.order import Order, read_order
from predict.backtest import BASELINES, DEFAULT, Forecast, make_forecasts
from predict.observations import Observations, average_repeats
from predict.tables import Curve, read_curves
from predict.text import points, signed
from report.provenance import provenance_rows
from study.config import DetectorConfig, Study
from study.layout import StudyFolder
from study.result_file import read_result
from study.search import Search

METRICS = ("AP", "AP50")  # shown for every run


@dataclass(frozen=True)
class Table:
    """A table for people; the first column names its rows."""

    caption: str
    header: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, eq=False)
class CurveAnswer:
    """One learning curve: the forecast in a sentence, how well such a forecast did, and its table."""

    curve: Curve
    observed: Observations
    at: float  # images that the sentence is about
    answer: str
    audit: str
    table: Table | None


def answer_curves(results: Path, metric: str, fit_up_to: float) -> list[CurveAnswer]:
    """Return an answer for every curve that has the two sizes that a forecast needs."""
    pairs = [(curve, average_repeats(curve)) for curve in read_curves(results, metric)]
    return [_answer(curve, observed, fit_up_to) for curve, observed in pairs if len(observed) > 1]


def class_tables(results: Path, metric: str) -> list[Table]:
    """Return, for every data set and detector, the metric per class and subset size."""
    curves = [curve for curve in read_curves(results, metric, per_class=True) if curve.category]
    groups = groupby(sorted(curves, key=_without_class), key=_without_class)
    return [_class_table(name, metric, list(group)) for name, group in groups]


def prevalence_tables(folder: StudyFolder, datasets: Iterable[str]) -> list[Table]:
    """Return, for every data set that has been counted, its boxes per class and subset."""
    paths = {name: folder.prevalence(name) for name in datasets}
    return [_prevalence_table(name, path) for name, path in paths.items() if path.exists()]


def run_table(results: Sequence[dict[str, Any]]) -> Table | None:
    """Return a row per run: what it learned from, what it reached and what it took."""
    if not results:
        return None
    seconds = sum(r["train_seconds"] + r["evaluate_seconds"] for r in results)
    recipes = ["recipe"] if len({r["recipe"] for r in results}) > 1 else []
    header = ["data set", "detector", *recipes, "subset", "images", "boxes", "draw", "seed", "steps", *METRICS,
              "training", "evaluation", "images/s"]
    ordered = sorted(results, key=lambda r: (r["cell"]["dataset"], r["cell"]["detector"], r["recipe"],
                                             r["cell"]["fraction"], r["cell"]["draw"], r["cell"]["seed"]))
    caption = f"{len(results)} runs, {duration(seconds)} of training and evaluation"
    return Table(caption, header, [_run(r, bool(recipes)) for r in ordered])


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


def read_results(folder: StudyFolder) -> list[dict[str, Any]]:
    """Return the result file of every finished run. Raises InputError where one is of another version."""
    return [result for path in folder.finished_results() if (result := read_result(path)) is not None]


def duration(seconds: float) -> str:
    """Return 75 as 1 min 15 s and 3900 as 1 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _answer(curve: Curve, observed: Observations, fit_up_to: float) -> CurveAnswer:
    largest = observed.images[-1]
    at = observed.whole if observed.percent[-1] < 99.9 else 2 * largest
    forecasts = make_forecasts([curve], fit_up_to, [at])
    outlook = next(f for f in forecasts if f.model == DEFAULT and f.fit_up_to == 100)
    held_out = [f for f in forecasts if f.fit_up_to < 100 and not math.isnan(f.truth)]
    return CurveAnswer(curve, observed, at, _answer_sentence(outlook, observed), _audit_sentence(held_out),
                       _forecast_table(held_out, observed) if held_out else None)


def _answer_sentence(outlook: Forecast, observed: Observations) -> str:
    measured = f"{points(observed.values[-1])} measured with {observed.images[-1]:,.0f}"
    doubled = ", twice as many as now" if outlook.images > observed.whole else ""
    label = f" ({outlook.label})" if outlook.label else ""
    return (f"{outlook.curve}: with {outlook.images:,.0f} training images{doubled}, expect {_expected(outlook)} "
            f"after {measured}{label}.")


def _audit_sentence(held_out: Sequence[Forecast]) -> str:
    if not held_out:
        return "No larger subset has been held out yet, so this forecast has not been put to the test."
    last = max((f for f in held_out if f.model == DEFAULT), key=lambda f: f.images)
    low, high = last.intervals[80]
    verdict = "inside" if low <= last.truth <= high else "outside"
    return (f"The test: from the subsets up to {last.fit_up_to:g} % alone, {last.images:,.0f} images were forecast to "
            f"bring {_expected(last)}; they brought {points(last.truth)}, {verdict} the interval.")


def _expected(forecast: Forecast) -> str:
    return f"{points(forecast.median)} points of {forecast.metric} (80 %: {_interval(forecast, 80)})"


def _interval(forecast: Forecast, level: int) -> str:
    return "\u00a0–\u00a0".join(map(points, forecast.intervals[level]))  # unbroken


def _forecast_table(held_out: Sequence[Forecast], observed: Observations) -> Table:
    first = held_out[0]
    baselines = {(f.images, f.model): f for f in held_out}
    header = ["images", "share", "forecast", "80 % interval", "95 % interval", "truth", "error",
              *(column for name in BASELINES for column in (name, "error"))]
    rows = [[f"{f.images:,.0f}", f"{100 * f.images / observed.whole:.3g} %", points(f.median), _interval(f, 80),
             _interval(f, 95), points(f.truth), signed(f.error),
             *(cell for name in BASELINES for cell in _baseline_cells(baselines[f.images, name]))]
            for f in held_out if f.model == DEFAULT]
    return Table(f"{first.curve}: forecast from {first.fitted_sizes} subsets up to {first.fit_up_to:g} %, "
                 f"beside the truth ({first.metric}, points)", header, rows)


def _baseline_cells(forecast: Forecast) -> tuple[str, str]:
    return points(forecast.median), signed(forecast.error)


def _without_class(curve: Curve) -> str:
    return curve.name.removesuffix(f" {curve.category}")


def _class_table(name: str, metric: str, curves: Sequence[Curve]) -> Table:
    observed = [average_repeats(curve) for curve in curves]
    sizes = sorted({size for each in observed for size in each.images})
    rows = []
    for curve, each in zip(curves, observed):
        values = dict(zip(each.images, each.values))
        rows.append([curve.category, *(points(values.get(size, math.nan)) for size in sizes)])
    header = ["class", *(f"{size:,.0f}" for size in sizes)]
    return Table(f"{name}: {metric} per class (points) over training images", header, rows)


def _prevalence_table(dataset: str, path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    columns = list(dict.fromkeys(_subset_name(row) for row in rows))
    boxes = {(row["class"], _subset_name(row)): int(float(row["boxes"])) for row in rows}
    classes = sorted({row["class"] for row in rows}, key=lambda c: -max(boxes.get((c, s), 0) for s in columns))
    return Table(f"{dataset}: boxes per class in every subset", ["class", *columns],
                 [[name, *(f"{boxes.get((name, column), 0):,}" for column in columns)] for name in classes])


def _subset_name(row: dict[str, str]) -> str:
    if row.get("split") == "validation":
        return "validation"
    return f"{float(row['fraction']):g} %" if row.get("fraction") else f"{int(row['subset']):,}"


def _run(result: dict[str, Any], with_recipe: bool) -> list[str]:
    cell = result["cell"]
    overall = {m["metric"]: m["value"] for m in result["metrics"] if not m["class"]}
    values = [math.nan if overall.get(name) is None else overall[name] for name in METRICS]
    size = [f"{cell['fraction']:g} %", f"{result['images']:,}", f"{result['boxes']:,}"]
    time = [duration(result[part]) for part in ("train_seconds", "evaluate_seconds")]
    recipe = [result["recipe"]] if with_recipe else []
    return [cell["dataset"], cell["detector"], *recipe, *size, str(cell["draw"]), str(cell["seed"]),
            f"{result['steps']:,}", *map(points, values), *time, f"{result.get('images_per_second', 0):.0f}"]


def _repeats(rule: Any) -> str:
    return f"{rule.count} up to {rule.up_to:g} %, then 1" if rule.count > 1 else "1"


def _search(search: Search) -> str:
    method = "ASHA" if search.strategy == "asha" else "random search"
    return (f"{method} of {', '.join(search.space)} up to {search.up_to:g} %, {search.trials} trials at most, tuning "
            f"split of {search.hold_out:g} % of the subset, a look every {search.every:,} steps")


def _source(order: Order) -> str:
    return f"{len(order.image_ids):,} images of {Path(order.source).name}, SHA-256 {order.checksum[:16]}…"
