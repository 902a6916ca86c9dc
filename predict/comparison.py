"""Learning curves side by side: all detectors and data sets of any number of tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from datasets.errors import InputError
from predict.observations import Observations, average_repeats
from predict.power_law import Errors
from predict.tables import LOSS, Curve, read_curves, read_metrics

AP = "AP"  # COCO's, the mean over IoU .50 to .95
WIDE = "mAP"  # the metric of tables that do not say


@dataclass(frozen=True, eq=False)
class Measured:
    """One detector on one data set: the mean over classes, or one class."""

    dataset: str
    detector: str  # as charts call it: with its recipe or its table where the name alone is not enough
    curve: Curve  # every run
    observed: Observations  # one value per size

    @property
    def metric(self) -> str:
        """The metric, mAP for a wide table."""
        return self.curve.metric

    @property
    def category(self) -> str:
        """The class, empty for the mean."""
        return self.curve.category


def read_measured(paths: Sequence[Path], metrics: Sequence[str], unit: str | None = None) -> list[Measured]:
    """Read the curves of every table: of `metrics` and the loss, over all classes and for each.

    The columns of a wide table, which does not tell its metric, are mAP whatever is asked for.
    Raises InputError for a table without a metric that is asked for, and for one given twice.
    """
    if len({path.resolve() for path in paths}) < len(paths):
        raise InputError(f"{', '.join(map(str, paths))}: a table is given twice; give each once")
    if LOSS in metrics:
        raise InputError("--metric loss: the loss is compared in any case; name metrics such as AP or AP50")
    tables = {title: list(_read(path, title, metrics, unit)) for path, title in zip(paths, _titles(paths))}
    names = Counter(name for found in tables.values() for name in {(m.dataset, m.detector) for m in found})
    return [replace(m, detector=f"{m.detector} ({title})") if names[m.dataset, m.detector] > 1 else m
            for title, found in tables.items() for m in found]


def errors_of(measured: Measured, up_to: float = 100) -> Errors:
    """Return 1 - AP, or the loss, at the sizes up to a share of the whole in per cent.

    What has no logarithm is left out, and sizes at which nothing is detected yet: no power law has begun there.
    """
    observed = measured.observed.up_to(up_to)
    loss = measured.metric == LOSS
    errors = observed.values if loss else 1 - observed.values
    interval = observed.interval_80 if loss else 1 - observed.interval_80[:, ::-1]
    keep = errors > 0 if loss else (errors > 0) & (errors < 1)
    left_out = tuple(f"{n:,.0f} images, {'loss' if loss else measured.metric} of {value:g}"
                     for n, value in zip(observed.images[~keep], observed.values[~keep]))
    return Errors(measured.dataset, measured.detector, quantity(measured.metric), observed.images[keep], errors[keep],
                  observed.stderr[keep], interval[keep], left_out)


def quantity(metric: str) -> str:
    """Return what of a metric falls with more images."""
    return LOSS if metric == LOSS else f"1 - {metric}"


def charts_of(metrics: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the metrics that each chart shows: mAP joins AP, which it is where a wide table follows COCO."""
    if AP not in metrics or WIDE not in metrics:
        return [(metric,) for metric in metrics]
    return [(AP, WIDE) if metric == AP else (metric,) for metric in metrics if metric != WIDE]


def wide_note(measured: Iterable[Measured]) -> str:
    """Say whose mAP stands beside AP; empty where there is none."""
    datasets: dict[str, list[str]] = {}
    for m in measured:
        datasets.setdefault(m.metric, []).append(m.dataset)
    if not {AP, WIDE} <= set(datasets):
        return ""
    return (f"{', '.join(dict.fromkeys(datasets[WIDE]))}: mAP of a table that does not name its metric, set beside AP "
            "(COCO's, IoU .50 to .95).")


def bars_note(measured: Iterable[Measured], of: str = "") -> str:
    """Say what the error bars of one metric's curves hold, and what they lack; curve by curve where these differ."""
    notes: dict[str, list[Measured]] = {}
    for m in measured:
        notes.setdefault(_bars(m.curve), []).append(m)
    if len(notes) == 1:
        return f"80 % bars{of}: {next(iter(notes))}."
    return f"80 % bars{of}. " + " ".join(f"{_who(curves, notes)}: {note}." for note, curves in notes.items())


def _who(curves: list[Measured], notes: dict[str, list[Measured]]) -> str:
    """Return the data sets of `curves` where no other note is about them, else each curve."""
    others = {m.dataset for group in notes.values() if group is not curves for m in group}
    names = [m.dataset if m.dataset not in others else f"{m.dataset} {m.detector}" for m in curves]
    return ", ".join(dict.fromkeys(names))


def _bars(curve: Curve) -> str:
    bootstrap = bool(np.isfinite(curve.stderr).any())
    repeats = {name: sizes for name, labels in (("draws", curve.draws), ("seeds", curve.seeds))
               if (sizes := _repeated(curve, labels))}
    if not repeats and (sizes := _repeated(curve, tuple(map(str, range(len(curve.images)))))):
        repeats = {"repeats": sizes}
    held = ["validation noise"] * bootstrap
    for where, group in groupby(repeats, key=lambda name: _where(curve, repeats[name])):
        held.append(f"{' and '.join(group)}{where}")
    lacking = [f"no {name}" for name in ("draws", "seeds") if not repeats.keys() & {name, "repeats"}]
    lacking += ["no validation noise"] * (not bootstrap)
    if not held:
        return "none, the table has neither standard errors nor repeats"
    only = " only" if held == ["validation noise"] else ""
    return ", ".join(held) + only + (f" ({', '.join(lacking)})" if lacking else "")


def _repeated(curve: Curve, labels: tuple[str, ...]) -> list[float]:
    """Return the sizes with more than one of `labels`, rising."""
    pairs = Counter(size for size, _ in set(zip(curve.images.tolist(), labels)))
    return sorted(size for size, count in pairs.items() if count > 1)


def _where(curve: Curve, sizes: list[float]) -> str:
    known = np.unique(curve.images).tolist()
    if sizes == known:
        return ""
    if sizes == known[:len(sizes)]:
        return f" {'at' if len(sizes) == 1 else 'up to'} {100 * sizes[-1] / max(curve.whole, known[-1]):.2g} %"
    return f" at {len(sizes)} of {len(known)} sizes"


def _titles(paths: Sequence[Path]) -> list[str]:
    """Return what to call each table: its study or its file, or the whole path where that is not enough."""
    short = [path.resolve().parent.name if path.name == "results.csv" else path.stem for path in paths]
    return [name if short.count(name) == 1 else str(path) for name, path in zip(short, paths)]


def _read(path: Path, title: str, metrics: Sequence[str], unit: str | None) -> Iterable[Measured]:
    known = read_metrics(path)
    if not known:
        for curve in read_curves(path, unit=unit):
            dataset = curve.dataset if curve.detector and curve.dataset else title
            yield Measured(dataset, curve.detector or curve.name, curve, average_repeats(curve))
        return
    for metric in [*metrics, LOSS] if LOSS in known else metrics:
        curves = read_curves(path, metric, per_class=True, unit=unit)
        several = len({curve.recipe for curve in curves}) > 1
        for curve in curves:
            detector = f"{curve.detector}, {curve.recipe}" if several else curve.detector
            yield Measured(curve.dataset or title, detector, curve, average_repeats(curve))
