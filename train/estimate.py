"""How long a study will take on this machine: measured on a few of its images, then added up over its runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import msgspec

from datasets.annotations import Annotations
from datasets.orders.order import subset_size
from datasets.settings import read_yaml
from study.config import CONFIGS, Recipe, Study, find_recipe
from study.data import image_folder, read_train, read_validation
from study.matrix import cells, draws_of, fractions_of
from train.experiment import steps_of
from train.timing import Speed, measure

DAY = 86_400.0
SMALL = "ssd_mobilenet_v2_small"  # whose size is proposed where a study takes longer than a day


@dataclass(frozen=True)
class Share:
    """What the subsets of one fraction take."""

    fraction: float  # per cent
    images: int
    steps: int  # of each run
    runs: int
    seconds: float


def estimate(study: Study) -> str:
    """Return how long `study`, of one data set and one detector, takes on this device, as lines for a terminal.

    Raises InputError for an image that cannot be used.
    """
    dataset, detector = study.datasets[0], study.detectors[0]
    train, images = read_train(dataset), image_folder(dataset, dataset.train)
    validation = read_validation(dataset).num_images
    speed = measure(study, detector, train, images)
    shares = add_up(study, speed, train.num_images, validation)
    lines = [f"  {1000 * speed.step:,.0f} ms a training step of {find_recipe(study, detector).batch_size} images, "
             f"{1000 * speed.image:,.0f} ms a validation image, {speed.start + speed.judge:.0f} s to start a run",
             *(f"  {share.fraction:>5g} %  {share.images:>7,} images  {share.steps:>7,} steps  {share.runs} "
               f"run{'s' if share.runs > 1 else ' '}  {spell(share.seconds):>12}" for share in shares)]
    writing = records_of(study, train.num_images, validation) * speed.record
    total = writing + sum(share.seconds for share in shares)
    lines.append(f"  with {spell(writing)} for records, in all {spell(total)}")
    if total > DAY:
        lines += _suggest(study, shares, writing, train, images, validation)
    return "\n".join(lines)


def add_up(study: Study, speed: Speed, images: int, validation: int) -> list[Share]:
    """Return what each fraction of `images` takes, every run judged on `validation` images.

    A training that a tuning split may stop is counted in full.
    """
    shares, recipe = [], find_recipe(study, study.detectors[0])
    for fraction in study.fractions:
        size = subset_size(fraction, images)
        runs = sum(cell.fraction == fraction for cell in cells(study))
        steps = steps_of(recipe, size)
        run = (speed.start + steps * speed.step + speed.judge + validation * speed.image
               + _tuning(recipe, speed, size, steps))
        shares.append(Share(fraction, size, steps, runs, runs * run))
    return shares


def _tuning(recipe: Recipe, speed: Speed, images: int, steps: int) -> float:
    """Return the seconds that a tuning split of a subset of `images` adds: looks, and what is trained twice."""
    if recipe.tuning is None:
        return 0.0
    looks = math.ceil(steps / recipe.tuning.every)
    again = speed.start + steps * speed.step if recipe.tuning.then == "whole" else 0.0
    return speed.judge + looks * recipe.tuning.hold_out / 100 * images * speed.image + again


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


def _suggest(study: Study, shares: list[Share], writing: float, train: Annotations, images: Path,
             validation: int) -> list[str]:
    """Return what would take less time: a smaller detector with the same recipe, or the first subsets alone."""
    settings = read_yaml(CONFIGS / "models" / f"{SMALL}.yaml")
    size = {key: settings[key] for key in ("width", "input_size", "stored_size")}
    small = msgspec.structs.replace(study.detectors[0], **size)
    speed = measure(study, small, train, images)
    other = msgspec.structs.replace(study, detectors=(small,))
    seconds = (sum(share.seconds for share in add_up(other, speed, train.num_images, validation))
               + records_of(study, train.num_images, validation) * speed.record)
    fitted = sum(share.fraction <= study.forecast.fit_up_to for share in shares)
    first = shares[:fitted + 1]
    return ["More than a day. What would take less:",
            f"  under detectors, {', '.join(f'{key}: {value}' for key, value in size.items())}, as in {SMALL}: "
            f"{spell(seconds)}",
            f"  fractions up to {first[-1].fraction:g}, which are fitted but for the last, with which the forecast is "
            f"compared: {spell(writing + sum(share.seconds for share in first))}"]
