"""Whether one is really better than the other, in words and as a table: points (0-100) for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluate.coco import ALL
from evaluate.compare import DifferenceRow, difference_interval
from evaluate.result import LEVEL
from evaluate.table import points
from study.results import Spread


@dataclass(frozen=True)
class RunNoise:
    """How far runs of the same size lie apart, in a metric in [0, 1]; None where unknown."""

    seeds: Spread | None  # runs that differ in the seed alone
    draws: Spread | None  # in the draw of their images alone

    @property
    def of_a_run(self) -> Spread | None:
        return self.seeds if self.draws is None else self.draws


def verdict(row: DifferenceRow, one: str, other: str, images: int, noise: Sequence[RunNoise] = ()) -> str:
    """Return in a sentence or two whether `other` is better than `one`.

    `images`: of the validation. `noise`: of the runs behind `one` and `other`, where it is known; what is known of one
    of them holds for both.
    """
    metric, value = row["metric"], row["value"]
    if value is None:
        return f"Neither can be judged: the truth has no box for {metric}."
    if row["stderr"] is None:
        return f"{other} has {_signed(value)} points of {metric} against {one}; without error bars nobody knows what " \
               "that is worth."
    if row["stderr"] == value == 0:
        return f"{one} and {other} do equally well, in every resample of the validation images."
    low, high = row["low"], row["high"]
    assert low is not None and high is not None
    if between := _noise_of_difference(noise):
        total = _add(Spread(row["stderr"], images - 1), between)
        low, high = difference_interval((low + high) / 2, total.sd, total.freedom, LEVEL)
    why = "the validation images and the noise between runs" if between else f"these {images:,} validation images"
    interval = f"{LEVEL} % interval {_signed(low)} to {_signed(high)}" + ", noise between runs included" * bool(between)
    if low > 0:
        return f"Yes, {other} is better than {one}: by {points(value)} points of {metric} ({interval})."
    if high < 0:
        return f"No, {other} is worse than {one}: by {points(-value)} points of {metric} ({interval})."
    return f"It cannot be told whether {other} is better than {one}: the difference is {_signed(value)} points of " \
           f"{metric}, but {why} leave room for {_signed(low)} to {_signed(high)} ({LEVEL} % interval)."


def _noise_of_difference(noise: Sequence[RunNoise]) -> Spread | None:
    """Return the spread that runs alone give to a difference, or None."""
    known = [each.of_a_run for each in noise if each.of_a_run is not None and each.of_a_run.sd > 0]
    if not known:
        return None
    return _add(known[0], known[-1])


def _add(one: Spread, other: Spread) -> Spread:
    """Return the spread of a sum of two, its freedom after Welch and Satterthwaite (Biometrics Bulletin 2, 1946)."""
    variances, freedoms = (one.sd**2, other.sd**2), (one.freedom, other.freedom)
    same = one == other  # one estimate, used for both: no better known
    freedom = one.freedom if same else sum(variances)**2 / sum(v**2 / f for v, f in zip(variances, freedoms))
    return Spread(math.sqrt(sum(variances)), freedom)


def describe_noise(name: str, metric: str, noise: RunNoise) -> str:
    """Return in a sentence how far runs called `name` lie apart."""
    parts = [f"{points(spread.sd)} points of {metric} where only the {what} differs"
             for spread, what in ((noise.seeds, "seed"), (noise.draws, "draw of the images")) if spread is not None]
    if not parts:
        return f"There is one run of {name}: how far another draw or seed would lie from it is not known."
    return f"Runs of {name} differ by {' and by '.join(parts)} (standard deviation)."


def format_differences(rows: Sequence[DifferenceRow], one: str, other: str) -> str:
    """Return `rows` as text: a table for each metric, over all classes and for each."""
    return "\n\n".join(_format_metric([row for row in rows if row["metric"] == metric], metric, one, other)
                       for metric in dict.fromkeys(row["metric"] for row in rows))


def _format_metric(rows: Sequence[DifferenceRow], metric: str, one: str, other: str) -> str:
    names = [row["class"] if row["class"] != ALL else "all classes" for row in rows]
    width, wide = max(map(len, [*names, metric])), max(6, len(one), len(other))
    bar_title = f"± stderr [{LEVEL} %]"
    lines = [f"{metric:{width}}  {one:>{wide}}  {other:>{wide}}  {'better by':>9} {bar_title:<22}  ahead in"]
    for name, row in zip(names, rows):
        bar = "" if row["stderr"] is None else \
            f"± {points(row['stderr'])} [{points(row['low'])}, {points(row['high'])}]"
        better = "" if row["better"] is None or row["stderr"] == 0 else f"{100 * row['better']:.0f} %"
        lines.append(f"{name:{width}}  {points(row['one']):>{wide}}  {points(row['other']):>{wide}}  "
                     f"{_signed(row['value']):>9} {bar:<22}  {better:>8}".rstrip())
    return "\n".join(lines)


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{round(100 * value, 1) + 0:+.1f}"
