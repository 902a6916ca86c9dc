"""Metric rows as a table for people: points (0-100) with their error bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.annotations import Annotations
from evaluate.coco import ALL, FIGURES
from evaluate.result import LEVEL, MetricRow

WITH_ERROR_BARS = ("AP", "AP50")


def format_table(rows: Sequence[MetricRow], truth: Annotations) -> str:
    """Return the figures of `rows` as text: AP and AP50 with error bars, overall and per class, then the others."""
    by_key = {(row["metric"], row["class"]): row for row in rows}
    boxes = np.bincount(truth.classes[~truth.crowd], minlength=len(truth.categories)).tolist()
    names = {ALL: "all classes"} | {name: name for name in truth.categories}
    width = max(map(len, names.values()))
    title = f"{'':{width}}  {'boxes':>7}" + "".join(f"  {m:>6} {f'± stderr [{LEVEL} %]':<22}" for m in WITH_ERROR_BARS)
    lines = [title]
    for (class_, name), count in zip(names.items(), [sum(boxes), *boxes]):
        cells = "".join(f"  {points(by_key[m, class_]['value']):>6} {_error(by_key[m, class_]):<22}"
                        for m in WITH_ERROR_BARS)
        lines.append(f"{name:{width}}  {count:>7}{cells}")
    others = [figure for figure in FIGURES if figure not in WITH_ERROR_BARS]
    lines += ["", f"{'':{width}}" + "".join(f"  {figure:>5}" for figure in others)]
    lines += [f"{name:{width}}" + "".join(f"  {points(by_key[figure, class_]['value']):>5}" for figure in others)
              for class_, name in names.items()]
    return "\n".join([line.rstrip() for line in lines] + _left_out(truth.categories, boxes))


def points(value: float | None) -> str:
    """Return a figure in [0, 1] as points; a dash for None."""
    return "-" if value is None else f"{round(100 * value, 1) + 0:.1f}"  # + 0 makes 0 of -0


def _error(row: MetricRow) -> str:
    if row["stderr"] is None:
        return ""
    return f"± {points(row['stderr'])} [{points(row['low'])}, {points(row['high'])}]"


def _left_out(names: Sequence[str], boxes: Sequence[int]) -> list[str]:
    absent = [name for name, count in zip(names, boxes) if count == 0]
    return [f"left out of the means, no boxes in the truth: {', '.join(absent)}"] if absent else []


def summary_line(rows: Sequence[MetricRow]) -> str:
    """Return AP and AP50 over all classes with their standard errors, in points, on one line."""
    by_metric = {row["metric"]: row for row in rows if row["class"] == ALL}
    return ", ".join(f"{metric} {points(by_metric[metric]['value'])}"
                     + (f" ± {points(by_metric[metric]['stderr'])}" if by_metric[metric]["stderr"] is not None else "")
                     for metric in WITH_ERROR_BARS)
