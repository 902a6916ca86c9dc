"""Runs: what each learned from, what it reached, what it took and what that cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from predict.answers import money
from predict.text import counted, points
from report.answer import priced
from report.tables import Table, duration, interval
from study.config import Prices
from study.layout import StudyFolder
from study.result_file import read_result

METRICS = ("AP", "AP50")
HOUR = 3600  # seconds
Result = dict[str, Any]


def read_results(folder: StudyFolder) -> list[Result]:
    """Return the result file of every finished run. Raises InputError where one is of another version."""
    return [result for path in folder.finished_results() if (result := read_result(path)) is not None]


def time_and_cost(results: Sequence[Result], prices: Prices) -> str:
    """Say what all runs took together, and what that cost where an hour has a price."""
    seconds = sum(map(_seconds, results))
    paid = f", {priced(seconds / HOUR * prices.hour, prices)} at {priced(prices.hour, prices)} an hour"
    cost = paid if prices.hour else ""
    return f"{counted(len(results), 'run')}, {duration(seconds)} of training and evaluation{cost}."


def size_table(results: Sequence[Result], prices: Prices) -> Table:
    """Return a row per curve and subset: its runs, their mean metrics, the time of one and of all."""
    header = ["curve", "subset", "images", "runs", *METRICS, "steps", "time of a run", "of all", *_cost_header(prices)]
    recipe, rows = len({r["recipe"] for r in results}) > 1, []
    for (curve, fraction), found in groupby(sorted(results, key=_size), key=lambda r: _size(r)[:2]):
        runs = list(found)
        seconds = sum(map(_seconds, runs))
        values = [_mean([_overall(run, name) for run in runs]) for name in METRICS]
        images, steps = (_range([run[key] for run in runs]) for key in ("images", "steps"))
        name = curve if recipe else curve.removesuffix(f" {runs[0]['recipe']}")
        rows.append([name, f"{fraction:g} %", images, str(len(runs)), *map(points, values), steps,
                     duration(seconds / len(runs)), duration(seconds), *_cost(seconds, prices)])
    return Table("Runs by size, mean of their draws and seeds (points)", header, rows)


def run_table(results: Sequence[Result], prices: Prices) -> Table:
    """Return a row per run."""
    recipes = ["recipe"] if len({r["recipe"] for r in results}) > 1 else []
    header = ["data set", "detector", *recipes, "subset", "images", "boxes", "draw", "seed", "steps", *METRICS,
              "training", "evaluation", "images/s", *_cost_header(prices)]
    ordered = sorted(results, key=lambda r: (r["cell"]["dataset"], r["cell"]["detector"], r["recipe"],
                                             r["cell"]["fraction"], r["cell"]["draw"], r["cell"]["seed"]))
    return Table("Every run (AP and AP50 in points)", header, [_run(r, bool(recipes), prices) for r in ordered])


def _size(result: Result) -> tuple[str, float, int, int]:
    cell = result["cell"]
    return (f"{cell['dataset']} {cell['detector']} {result['recipe']}", cell["fraction"], cell["draw"], cell["seed"])


def _run(result: Result, with_recipe: bool, prices: Prices) -> list[str]:
    cell = result["cell"]
    size = [f"{cell['fraction']:g} %", f"{result['images']:,}", f"{result['boxes']:,}"]
    time = [duration(result[part]) for part in ("train_seconds", "evaluate_seconds")]
    recipe = [result["recipe"]] if with_recipe else []
    return [cell["dataset"], cell["detector"], *recipe, *size, str(cell["draw"]), str(cell["seed"]),
            f"{result['steps']:,}", *(points(_overall(result, name)) for name in METRICS), *time,
            f"{result.get('images_per_second', 0):.0f}", *_cost(_seconds(result), prices)]


def _overall(result: Result, metric: str) -> float:
    value = next((m["value"] for m in result["metrics"] if m["metric"] == metric and not m["class"]), None)
    return math.nan if value is None else value


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else interval(f"{low:,}", f"{high:,}")


def _seconds(result: Result) -> float:
    return result["train_seconds"] + result["evaluate_seconds"]


def _cost_header(prices: Prices) -> list[str]:
    return [f"cost, {prices.currency}" if prices.currency else "cost"] if prices.hour else []


def _cost(seconds: float, prices: Prices) -> list[str]:
    return [money(seconds / HOUR * prices.hour)] if prices.hour else []
