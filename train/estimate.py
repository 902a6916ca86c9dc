"""How long a study will take on this machine: measured on a few of its images, then added up over its runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from datasets.annotations import Annotations
from datasets.orders.order import subset_size
from datasets.settings import read_yaml
from study.config import CONFIGS, Study, find_recipe
from study.data import image_folder, read_train, read_validation
from study.matrix import cells
from study.rates import Rate, records_of, seconds_of, spell, steps_of
from train.timing import measure

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
    rate = measure(study, detector, train, images)
    shares = add_up(study, rate, train.num_images, validation)
    lines = [f"  {1000 * rate.step:,.0f} ms a training step of {find_recipe(study, detector).batch_size} images, "
             f"{1000 * rate.image:,.0f} ms a validation image, {rate.start + rate.judge:.0f} s to start a run",
             *(f"  {share.fraction:>5g} %  {share.images:>7,} images  {share.steps:>7,} steps  {share.runs} "
               f"run{'s' if share.runs > 1 else ' '}  {spell(share.seconds):>12}" for share in shares)]
    writing = records_of(study, train.num_images, validation) * rate.record
    total = writing + sum(share.seconds for share in shares)
    lines.append(f"  with {spell(writing)} for records, in all {spell(total)}")
    if total > DAY:
        lines += _suggest(study, shares, writing, train, images, validation)
    return "\n".join(lines)


def add_up(study: Study, rate: Rate, images: int, validation: int) -> list[Share]:
    """Return what each fraction of `images` takes, every run judged on `validation` images.

    A training that a tuning split may stop is counted in full.
    """
    shares, recipe = [], find_recipe(study, study.detectors[0])
    for fraction in study.fractions:
        size = subset_size(fraction, images)
        runs = [cell for cell in cells(study) if cell.fraction == fraction]
        shares.append(Share(fraction, size, steps_of(recipe, size), len(runs),
                            sum(seconds_of(study, cell, size, validation, rate) for cell in runs)))
    return shares


def _suggest(study: Study, shares: list[Share], writing: float, train: Annotations, images: Path,
             validation: int) -> list[str]:
    """Return what would take less time: a smaller detector with the same recipe, or the first subsets alone."""
    settings = read_yaml(CONFIGS / "models" / f"{SMALL}.yaml")
    size = {key: settings[key] for key in ("width", "input_size", "stored_size")}
    small = msgspec.structs.replace(study.detectors[0], **size)
    rate = measure(study, small, train, images)
    other = msgspec.structs.replace(study, detectors=(small,))
    seconds = (sum(share.seconds for share in add_up(other, rate, train.num_images, validation))
               + records_of(study, train.num_images, validation) * rate.record)
    fitted = sum(share.fraction <= study.forecast.fit_up_to for share in shares)
    first = shares[:fitted + 1]
    return ["More than a day. What would take less:",
            f"  under detectors, {', '.join(f'{key}: {value}' for key, value in size.items())}, as in {SMALL}: "
            f"{spell(seconds)}",
            f"  fractions up to {first[-1].fraction:g}, which are fitted but for the last, with which the forecast is "
            f"compared: {spell(writing + sum(share.seconds for share in first))}"]
