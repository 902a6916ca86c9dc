"""How a study is getting on: what is done, what runs, what failed and why, what is left, and what it says so far."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence

from engine.plan import sources
from engine.rows import STATES, Row, spell_left
from predict.backtest import DEFAULT
from predict.text import counted, points
from study.config import Study
from study.layout import StudyFolder
from study.lock import owner_of
from study.rates import Rate, spell


def describe_status(study: Study, folder: StudyFolder, rows: Sequence[Row], rates: Mapping[str, Rate],
                    workers: int) -> str:
    """Return how far `rows` are, as text; what is left is taken to run on so many workers."""
    running, failed = ([row for row in rows if row.state == state] for state in ("running", "failed"))
    owner = owner_of(folder.lock)
    return "\n".join([
        _headline(study, rows), *([f"the study is run by {owner}"] if owner else []),
        *_listed("running", [f"{row.cell}: {_progress(row)}; {row.owner}" for row in running]),
        *_listed("failed", [f"{row.cell}: {_failure(row)}" for row in failed]),
        *_left(study, rows, rates, workers), *_listed("forecast", _forecasts(folder))])


def _headline(study: Study, rows: Sequence[Row]) -> str:
    counts = Counter(row.state for row in rows)
    return f"{study.name}: {counted(len(rows), 'run')}: " + ", ".join(f"{counts[state]} {state}" for state in STATES)


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    return [f"{title}:", *(f"  {line}" for line in lines)] if lines else []


def _progress(row: Row) -> str:
    """Return how far a run is that somebody has in hand."""
    done = f"{100 * row.progress:.0f} % of a search of {row.trials} trials" if row.trials else (
        f"step {row.trained:,} of {row.steps:,}")
    return done + (f", {spell(row.left)} left" if row.left is not None else "")


def _failure(row: Row) -> str:
    tries = f" ({row.tries} tries)" if row.tries > 1 else ""
    return f"{row.error}{tries}" + (f"; {row.log}" if row.log else "")


def _left(study: Study, rows: Sequence[Row], rates: Mapping[str, Rate], workers: int) -> list[str]:
    """Return how long what is left takes, and from what rates that is known."""
    if all(row.state == "done" for row in rows):
        return []
    known = [f"left: {spell_left(rows, workers)}, {counted(workers, 'run')} at a time"] if any(
        row.left for row in rows) else []
    return [*known, *sources(study, rates)]


def _forecasts(folder: StudyFolder) -> list[str]:
    """Return a line per curve of forecast.csv: its forecast of the largest size, with the interval."""
    if not folder.forecast_table.exists():
        return []
    with open(folder.forecast_table, encoding="utf-8", newline="") as stream:
        ours = [row for row in csv.DictReader(stream) if row["model"] == DEFAULT]
    largest = {row["curve"]: row for row in sorted(ours, key=lambda row: float(row["images"]))}
    return [_forecast(row) for row in largest.values()]


def _forecast(row: Mapping[str, str]) -> str:
    value, low, high = (float(row[name] or "nan") for name in ("median", "lo-80", "hi-80"))
    sizes = counted(int(row["fitted_sizes"]), "size")
    return (f"{row['curve']}: {points(value)} points of {row['metric']} at {float(row['images']):,.0f} images from "
            f"{sizes}, 80 % interval {points(low)} - {points(high)}, {points(high - low)} wide")
