"""How long runs take: what a detector costs on a device, measured, and from that the time of a cell."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from datasets.errors import InputError
from datasets.files import write_json
from datasets.orders.order import subset_size
from study.config import DetectorConfig, Recipe, Study, Tuning, find_dataset, find_detector, find_recipe
from study.data import read_validation
from study.identity import fingerprint
from study.layout import StudyFolder
from study.matrix import Cell, cells, draws_of, fractions_of
from study.search import Settings
from study.trials import apply, search_of, trials_of, tuning_of

APART = 1.5  # times as many steps or images: below that the difference of two times says little of a single one


@dataclass(frozen=True)
class Rate:
    """What a detector takes on a device, in seconds."""

    start: float  # of a training, until its first step is done
    step: float  # of training
    image: float  # of an evaluation
    judge: float  # of an evaluation, besides its images
    record: float = 0.0  # of an image that is written into records; 0 where that is not known
    device: str = ""
    runs: int = 0  # of this study that say so; 0 where it was measured on a few images


class _Run(msgspec.Struct):
    """What a result file says of a run's time; the rest of it is passed over."""

    steps: int
    resumed_at: int
    train_seconds: float
    evaluate_seconds: float
    device: str
    chosen: str = "last"
    tuning_steps: int = 0
    timed_steps: int = 0  # 0 in results of before it was noted

    @property
    def timed(self) -> int:
        """Steps that `train_seconds` took."""
        trained = self.tuning_steps if self.chosen == "best" else self.steps
        return self.timed_steps or trained - self.resumed_at


def steps_of(recipe: Recipe, images: int) -> int:
    """Return the number of training steps on a subset of `images` images."""
    if recipe.steps is not None:
        return recipe.steps
    steps = max(recipe.min_steps, math.ceil(recipe.epochs * images / recipe.batch_size))
    return steps if recipe.max_steps is None else min(steps, recipe.max_steps)


def seconds_of(study: Study, cell: Cell, images: int, validation: int, rate: Rate) -> float:
    """Return the seconds of `cell`, trained on `images` images and judged on `validation`, at `rate`.

    Of a training that a tuning split may stop, and of a search that ends trials early, it is the most they take.
    """
    judged = rate.judge + validation * rate.image
    if not cell.searched:
        return _training(find_recipe(study, find_detector(study, cell.detector)), rate, images) + judged
    search, trials = search_of(study), trials_of(study, cell)
    again = max(_trial(study, cell, settings, None, rate, images) for settings in trials)
    tried = sum(_trial(study, cell, settings, tuning_of(search), rate, images) for settings in trials)
    return tried + again * (search.then == "whole") + judged


def records_of(study: Study, images: int, validation: int) -> int:
    """Return of how many images records are written: the validation's, and those of each draw's largest subset."""
    return validation + sum(subset_size(fractions_of(study, draw)[-1], images) for draw in draws_of(study))


def spell(seconds: float) -> str:
    """Return a time as two units at most, such as "2 h 10 min"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "1 min" if seconds >= 30 else f"{max(1, round(seconds))} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24} h"


def measured_rates(study: Study, folder: StudyFolder) -> dict[str, Rate]:
    """Return the rate of every detector that has one: of this study's finished runs, else as `keep_rate` left it.

    Of runs on several devices, those on the one with most of them count.
    """
    rates = kept_rates(study, folder)
    for detector in study.detectors:
        if runs := _finished(study, folder, detector.name):
            rates[detector.name] = _rate_of_runs(runs, rates.get(detector.name))
    return {name: rate for name, rate in rates.items() if rate.step > 0}


def kept_rates(study: Study, folder: StudyFolder) -> dict[str, Rate]:
    """Return the rates in rates.json that are of detectors as the study has them now."""
    kept = _read_rates(folder)
    return {detector.name: kept[detector.name][1] for detector in study.detectors
            if detector.name in kept and kept[detector.name][0] == _settings(study, detector)}


def keep_rate(study: Study, folder: StudyFolder, detector: DetectorConfig, rate: Rate) -> None:
    """Add the rate of `detector` to rates.json, so that it is measured once."""
    kept = _read_rates(folder) | {detector.name: (_settings(study, detector), rate)}
    write_json(folder.rates, msgspec.to_builtins(kept))


def device_of(sentence: str) -> str:
    """Return the device that ``training on GPU (…), one of 4`` and the like are about, without what is around it."""
    return re.sub(r"(, one of \d+|;.*)$", "", sentence.partition(" on ")[2] or sentence)


def is_of_gpu(rate: Rate) -> bool:
    """Tell whether the rate was measured on a GPU."""
    return rate.device.startswith("GPU")


def cores_of(rate: Rate) -> int:
    """Return how many CPU cores the rate was measured with, 0 on a GPU or where that is not known."""
    found = re.fullmatch(r"CPU \((\d+) cores?\)", rate.device)
    return int(found[1]) if found else 0


def _read_rates(folder: StudyFolder) -> dict[str, tuple[str, Rate]]:
    """Return for each detector in rates.json the hash of what its rate depends on, and the rate."""
    if not folder.rates.exists():
        return {}
    try:
        return msgspec.json.decode(folder.rates.read_bytes(), type=dict[str, tuple[str, Rate]])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{folder.rates}: not the rates of this version ({error}); delete it, they are measured "
                         "again") from None


def _training(recipe: Recipe, rate: Rate, images: int) -> float:
    """Return the seconds of a training on a subset of `images`, with the looks at its tuning split."""
    steps = steps_of(recipe, images)
    whole = rate.start + steps * rate.step
    if recipe.tuning is None:
        return whole
    looks = math.ceil(steps / recipe.tuning.every) * recipe.tuning.hold_out / 100 * images * rate.image
    return whole + rate.judge + looks + whole * (recipe.tuning.then == "whole")


def _trial(study: Study, cell: Cell, settings: Settings, tuning: Tuning | None, rate: Rate, images: int) -> float:
    """Return the most that a training with a trial's settings takes.

    A step's time grows at most as the batch and as the square of the width; one that shrinks counts as it was measured.
    """
    tried = apply(study, cell, settings, tuning)
    before, after = find_detector(study, cell.detector), find_detector(tried, cell.detector)
    recipe, chosen = find_recipe(study, before), find_recipe(tried, after)
    grown = max(1.0, chosen.batch_size / recipe.batch_size) * max(1.0, after.width / before.width) ** 2
    return _training(chosen, replace(rate, step=rate.step * grown), images)


def _settings(study: Study, detector: DetectorConfig) -> str:
    """Return a hash of what a rate depends on."""
    network = {name: getattr(detector, name) for name in detector.__struct_fields__
               if name not in ("name", "checkpoint", "recipes", "of", "varied")}
    return fingerprint(network | {"batch_size": find_recipe(study, detector).batch_size,
                                  "runtime": msgspec.to_builtins(study.runtime)})


def _finished(study: Study, folder: StudyFolder, detector: str) -> list[tuple[_Run, int]]:
    """Return the detector's finished runs and on how many images each was judged.

    Those of a search have widths and batches of their own; a damaged result is made again, and says nothing here.
    """
    runs = []
    for cell in cells(study):
        path = folder.run(cell).result
        if cell.detector == detector and not cell.searched and path.exists():
            try:
                run = msgspec.json.decode(path.read_bytes(), type=_Run)
            except msgspec.ValidationError as error:
                raise InputError(f"{path}: not a result file of this version ({error}); delete it and run the study "
                                 "again") from None
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            runs.append((run, read_validation(find_dataset(study, cell.dataset)).num_images))
    return runs


def _rate_of_runs(runs: Sequence[tuple[_Run, int]], before: Rate | None) -> Rate:
    """Return the rate that runs had; `before` was measured before them, and says what they leave open."""
    device = Counter(device_of(run.device) for run, _ in runs).most_common(1)[0][0]
    runs = [(run, images) for run, images in runs if device_of(run.device) == device]
    known = before if before and before.device == device else Rate(0, 0, 0, 0)
    start, step = line([(run.timed, run.train_seconds) for run, _ in runs if run.timed > 0], known.start, known.step)
    judge, image = line([(images, run.evaluate_seconds) for run, images in runs], known.judge, known.image)
    return replace(known, start=start, step=step, judge=judge, image=image, device=device, runs=len(runs))


def line(pairs: Sequence[tuple[float, float]], start: float, slope: float) -> tuple[float, float]:
    """Return the start and the slope of seconds over counts: the median slope between any two `pairs` of them.

    Theil's line (1950, Indagationes Mathematicae 12), which a few slow runs do not bend. Where all counts are about
    the same, its start is `start`; where there are none, `start` and `slope` it is.
    """
    if not pairs:
        return start, slope
    counts, seconds = np.array(pairs, float).T
    more, less = np.nonzero(counts[:, None] >= APART * counts)
    slopes = (seconds[more] - seconds[less]) / (counts[more] - counts[less])
    if len(slopes) and (steep := float(np.median(slopes))) > 0:
        return max(0.0, float(np.median(seconds - steep * counts))), steep
    start = start if start < seconds.min() else 0.0
    return start, float(np.median((seconds - start) / counts))
