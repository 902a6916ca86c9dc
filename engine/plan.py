"""What a study will take before it runs: its cells, their time from measured rates, and the commands of a scheduler."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from datasets.errors import InputError
from engine.rows import STATES, Row, count_images, spell_left
from predict.text import counted, format_table
from study.cluster import visible_gpus
from study.config import REPOSITORY, DatasetConfig, Study
from study.data import image_folder, read_train
from study.layout import StudyFolder
from study.matrix import fraction_key
from study.rates import Rate, cores_of, device_of, is_of_gpu, keep_rate, records_of, spell

SAMPLE = 96  # images of an embedded data set that are made to measure on where the set itself is not there yet
HOUR = 3600.0


def describe_plan(study: Study, folder: StudyFolder, rows: Sequence[Row], rates: Mapping[str, Rate],
                  workers: int) -> str:
    """Return what running `rows` in their order takes on so many workers, as text.

    Runs that differ in draw or seed alone share a line.
    """
    parts = [[f"{study.name}: {counted(len(rows), 'run')}, in this order"], [format_table(_table(rows))],
             [format_table(_sums(study, rows, rates))],
             [*_outlook(rows, workers), *_records(study, folder, rows, rates), *sources(study, rates)]]
    return "\n\n".join("\n".join(part) for part in parts if part)


def list_commands(rows: Iterable[Row]) -> list[str]:
    """Return the command of each run that is neither done nor running, for a shell, in one line each.

    A command runs from anywhere, on every machine that has the study at the same place.
    """
    return [row.command for row in rows if row.state in ("waiting", "failed")]


def measure_missing(study: Study, folder: StudyFolder, rates: Mapping[str, Rate]) -> dict[str, Rate]:
    """Return `rates` with those of the other detectors, measured here in about a minute each and kept in rates.json.

    One that was measured on a CPU does not count where there is a GPU. Raises InputError for an image that cannot be
    used, for a runtime that this machine does not have, and, first, where the study's folder cannot be written.
    """
    missing = [detector for detector in study.detectors
               if detector.name not in rates or _is_outdated(rates[detector.name])]
    if not missing:
        return dict(rates)
    _refuse_read_only(folder.rates)
    with tempfile.TemporaryDirectory() as temporary:
        dataset = _at_hand(study.datasets[0], Path(temporary))
        train, images = read_train(dataset), image_folder(dataset, dataset.train)
        from detectors.runtime import start

        device, found = device_of(start("measured")), dict(rates)
        from train.timing import measure

        print(f"measuring {counted(len(missing), 'detector')} on {device}, about a minute each (--no-estimate leaves "
              "it out)", file=sys.stderr, flush=True)
        for detector in missing:
            rate = replace(measure(study, detector, train, images), device=device)
            keep_rate(study, folder, detector, rate)
            found[detector.name] = rate
    return found


def sources(study: Study, rates: Mapping[str, Rate]) -> list[str]:
    """Return where each detector's rate comes from, and what does without."""
    found: dict[str, list[str]] = {}
    for detector in study.detectors:
        rate = rates.get(detector.name)
        found.setdefault(_source(rate) if rate else "", []).append(detector.name)
    absent = found.pop("", [])
    return [*(f"rates of {', '.join(names)}: {source}" for source, names in found.items()),
            *([f"no rate of {', '.join(absent)}: how long it takes is not known until a run is finished"]
              if absent else [])]


def _table(rows: Sequence[Row]) -> list[list[str]]:
    """Return a line per data set, detector, fraction and whether it is searched, in the order of their first runs."""
    table = [["run", "images", "steps", "draws", "seeds", "trials", "each", "in all", "state"]]
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        cell = row.cell
        groups.setdefault((cell.dataset, cell.detector, cell.fraction, cell.searched), []).append(row)
    for (dataset, detector, fraction, searched), alike in groups.items():
        first, times = alike[0], [row.seconds for row in alike if row.seconds is not None]
        most = "at most " if searched else ""
        table.append([
            f"{dataset} {detector} {fraction_key(fraction)} %{' searched' * searched}", f"{first.images:,}",
            f"{first.steps:,}", *(_numbers(getattr(row.cell, name) for row in alike) for name in ("draw", "seed")),
            f"{first.trials}" if first.trials else "", *([f"{most}{spell(max(times))}", f"{most}{spell(sum(times))}"]
                                                         if times else ["", ""]), _states(alike)])
    return table


def _numbers(values: Iterable[int]) -> str:
    """Return numbers such as 0, or 0-2 where there are several."""
    found = sorted(set(values))
    whole = found == list(range(found[0], found[-1] + 1)) and len(found) > 1
    return f"{found[0]}-{found[-1]}" if whole else ", ".join(map(str, found))


def _states(rows: Sequence[Row]) -> str:
    """Return the state of runs, such as done, or 2 done, 1 waiting."""
    counts = Counter(row.state for row in rows)
    return next(iter(counts)) if len(counts) == 1 else ", ".join(
        f"{counts[state]} {state}" for state in STATES if state in counts)


def _sums(study: Study, rows: Sequence[Row], rates: Mapping[str, Rate]) -> list[list[str]]:
    """Return a line per detector and, of several, one of all: hours of GPUs where those were measured, or of cores."""
    table = [["detector", "runs", "to do", "GPU-hours", "to do", "core-hours", "to do"]]
    names = list(dict.fromkeys(row.cell.detector for row in rows))
    for name in [*names, *(["in all"] if len(names) > 1 else [])]:
        mine = [row for row in rows if name in ("in all", row.cell.detector)]
        table.append([name, f"{len(mine)}", f"{sum(row.state != 'done' for row in mine)}",
                      *(_hours(study, mine, rates, gpu, to_do) for gpu in (True, False) for to_do in (False, True))])
    return table


def _hours(study: Study, rows: Sequence[Row], rates: Mapping[str, Rate], gpu: bool, to_do: bool) -> str:
    """Return the GPU-hours or core-hours of `rows`, of all or of what is to do; a dash for none."""
    total = 0.0
    for row in rows:
        rate, seconds = rates.get(row.cell.detector), row.left if to_do else row.seconds
        if rate is not None and seconds is not None and is_of_gpu(rate) == gpu:
            total += seconds / HOUR * (_gpus_each(study) if gpu else cores_of(rate))
    return f"{total:,.2f}" if total else "-"


def _outlook(rows: Sequence[Row], workers: int) -> list[str]:
    """Return how long what is left takes."""
    if not any(row.left for row in rows):
        return []
    one, many = (f"{spell_left(rows, number)}, {counted(number, 'run')} at a time" for number in (1, workers))
    return [f"to do: {one}" + (f"; {many}" if workers > 1 else "")]


def _records(study: Study, folder: StudyFolder, rows: Sequence[Row], rates: Mapping[str, Rate]) -> list[str]:
    """Return how long it takes to write the records, of the sizes whose records are not there yet."""
    seconds, images = 0.0, 0
    for dataset in study.datasets:
        for size in sorted({detector.stored_size for detector in study.detectors}):
            if folder.validation_records(dataset.name, size).exists():
                continue
            number = records_of(study, *count_images(dataset))
            known = [rates[detector.name].record for detector in study.detectors
                     if detector.stored_size == size and detector.name in rates]
            images, seconds = images + number, seconds + number * max(known, default=0.0)
    if not images or all(row.state == "done" for row in rows):
        return []
    return [f"before them, records of {images:,} images{f', {spell(seconds)}' if seconds else ''}"]


def _source(rate: Rate) -> str:
    where = f"{rate.device or 'unknown device'}, "
    cores = f"; a run is taken to have {counted(cores_of(rate), 'core')}" if cores_of(rate) else ""
    return f"{where}{counted(rate.runs, 'finished run') if rate.runs else 'measured on a few images'}{cores}"


def _is_outdated(rate: Rate) -> bool:
    return not rate.runs and bool(cores_of(rate)) and visible_gpus() > 0


def _refuse_read_only(path: Path) -> None:
    """Raise InputError where `path` could not be written."""
    there = next(folder for folder in path.absolute().parents if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{path}: cannot be written, and it keeps what is measured; give another folder by --studies, "
                         "or leave the measuring out (--no-estimate)")


def _gpus_each(study: Study) -> int:
    """Return how many GPUs a run takes, as far as the study says."""
    return 1 if study.runtime.distribution == "one_device" else study.runtime.replicas or 1


def _at_hand(dataset: DatasetConfig, temporary: Path) -> DatasetConfig:
    """Return `dataset`, or the first images of an embedded one that is not made yet, to be made in `temporary`."""
    if not dataset.generator or (REPOSITORY / dataset.root).exists():
        return dataset
    sizes = count_images(dataset)
    return msgspec.structs.replace(dataset, root=str(temporary / dataset.name),
                                   generated=(min(SAMPLE, sizes[0]), 1))
