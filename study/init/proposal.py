"""A first study of a data set: its subsets, its detector and its recipe, by rules that are stated here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from datasets.annotations import Annotations, for_training
from datasets.errors import InputError
from datasets.orders.order import FRACTIONS, subset_size
from datasets.settings import read_yaml
from study.checkpoints import is_at_hand
from study.config import CONFIGS
from study.layout import CHECKPOINTS

FEW_FRACTIONS = (5, 10, 20, 50, 100)  # per cent, of small data sets, as configs/studies/bccd.yaml has them
SIZES = 5  # subsets, where possible
SMALLEST = 16  # images in the smallest subset, and
IMAGES_PER_CLASS = 2  # as many for each class
FITTED = 3  # subsets that a forecast is fitted on, at least; one more is left to forecast
FITTED_UP_TO = 20  # per cent, the study's default

DETECTOR = "ssd_mobilenet_v2"
CHECKPOINT = "ssd_mobilenet_v2_oid_v4_2018_12_12"  # of the zoo, made with that detector
# What configs/studies/bccd.yaml was measured with: 292 images, AP50 75 in five minutes on two cores.
FEW_IMAGES: dict[str, Any] = {"base": DETECTOR, "stored_size": 300, "recipes": {"scaled": {
    "batch_size": 8, "epochs": 18, "min_steps": 200, "learning_rate": 0.002, "augment": ["flip"]}}}
SMALL_SIDE = 8  # pixels at the detector's input; SSD's finest map has a cell every 16
NOTABLE_SHARE = 0.1  # of boxes below that


def propose(train: Annotations) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return a study's settings but its name and data set, and for each choice its key and the reason.

    Raises InputError for too few images to cut subsets from.
    """
    classes = len(train.categories)
    fractions = [f if f % 1 else int(f) for f in choose_fractions(train.num_images, classes)]  # 5, not 5.0
    fit_up_to = choose_fit_up_to(fractions)
    detector, reason = choose_detector(train.num_images)
    settings = {
        "detectors": [detector],
        "fractions": fractions,
        "draws": {"up_to": fractions[0], "count": 2},
        "seeds": {"up_to": fractions[0], "count": 2},
        "forecast": {"metric": "AP50", "fit_up_to": fit_up_to},
    }
    return settings, [
        ("fractions", _describe_fractions(fractions, train.num_images, classes)),
        ("draws, seeds", f"two of each at {fractions[0]:g} %, where chance weighs most"),
        ("forecast", f"of AP50, fitted on the subsets up to {fit_up_to:g} %; metric: AP is the stricter figure"),
        ("detectors", reason),
    ]


def choose_fractions(images: int, classes: int) -> tuple[float, ...]:
    """Return those of FRACTIONS whose subsets of `images` are large enough and differ in size.

    Where that leaves fewer than five, those of FEW_FRACTIONS that select different images, if they are more.
    Raises InputError where there are not four.
    """
    enough = max(SMALLEST, IMAGES_PER_CLASS * classes)
    usable = _of_distinct_sizes(FRACTIONS, images, enough)
    if len(usable) < SIZES:
        usable = max(usable, _of_distinct_sizes(FEW_FRACTIONS, images, 1), key=len)
    if len(usable) <= FITTED:
        raise InputError(f"{images} training images are too few to cut subsets from; label ten or more")
    return usable


def choose_fit_up_to(fractions: Sequence[float]) -> float:
    """Return up to which per cent a forecast is fitted: 20, or more where that holds fewer than three subsets."""
    return max(fractions[FITTED - 1], FITTED_UP_TO)


def choose_detector(images: int) -> tuple[dict[str, Any], str]:
    """Return the detector's entry in the study file for so many training images, and the reason.

    The detector's recipe `scaled` has a floor of steps. Where even the full set does not reach beyond it, all subsets
    would be trained for that long: then the shorter recipe of the BCCD study goes before it.
    """
    scaled = read_yaml(CONFIGS / "models" / f"{DETECTOR}.yaml")["recipes"]["scaled"]
    reach = scaled["min_steps"] * scaled["batch_size"] / scaled["epochs"]
    checkpoint, reason = choose_checkpoint()
    if images >= reach:
        return {"base": DETECTOR, "checkpoint": checkpoint}, (
            f"{DETECTOR} at 300 px, {scaled['epochs']} epochs of every subset and {scaled['min_steps']:,} steps at "
            f"least; {reason}")
    recipe = FEW_IMAGES["recipes"]["scaled"]
    return FEW_IMAGES | {"checkpoint": checkpoint}, (
        f"{DETECTOR} at 300 px; with fewer than {reach:,.0f} images the recipe of configs/studies/bccd.yaml: "
        f"{recipe['epochs']} epochs, {recipe['min_steps']} steps at least; {reason}")


def choose_checkpoint() -> tuple[str, str]:
    """Return what the detector starts from, and the reason: the zoo's checkpoint if no network is needed for it."""
    if is_at_hand(CHECKPOINT):
        return CHECKPOINT, "fine-tuned from its Open Images checkpoint, classes carried over by their names"
    return "", (f"trained from scratch, as its Open Images checkpoint is not in {CHECKPOINTS}/; to fine-tune, get it "
                f"with python -m detectors get {CHECKPOINT} and change that line to checkpoint: {CHECKPOINT}")


def share_of_small_boxes(train: Annotations, input_size: int = 300) -> float:
    """Return which share of the training boxes has a side below 8 pixels once images are `input_size` pixels square."""
    usable = for_training(train)
    image = usable.image_of_box()
    sizes = np.stack([usable.widths[image], usable.heights[image]], axis=1)
    sides = usable.boxes[:, 2:] * input_size / sizes
    return float((sides.min(axis=1) < SMALL_SIDE).mean()) if len(sides) else 0.0


def _of_distinct_sizes(fractions: Iterable[float], images: int, enough: int) -> tuple[float, ...]:
    """Return the fractions of at least `enough` images; of two that select as many, the greater."""
    sizes = {subset_size(f, images): f for f in fractions if f * images >= 100}
    return tuple(f for size, f in sizes.items() if size >= enough)


def _describe_fractions(fractions: Sequence[float], images: int, classes: int) -> str:
    smallest = subset_size(fractions[0], images)
    enough = max(SMALLEST, IMAGES_PER_CLASS * classes)
    text = f"{' '.join(f'{f:g}' for f in fractions)} %, {smallest:,} to {images:,} images"
    if smallest < enough:
        return f"{text}; so small a set has subsets of fewer than {enough} images, and their results say little"
    return f"{text}; no subset has fewer than {enough} images"
