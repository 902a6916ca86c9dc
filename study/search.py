"""The search for hyperparameters at each size: what is searched, and that it can be.

A learning curve whose points all have the hyperparameters of one size bends wrongly (Hestness et al. 2017, arXiv
1712.00409, section 3). Trials are judged on a tuning split held out of the training subset, never on the validation
images.
"""

from __future__ import annotations

import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import msgspec

from datasets.errors import InputError, nearest
from datasets.settings import convert

OF_DETECTOR = ("width",)  # settings of the detector; the others are the recipe's
UNSEARCHED = ("tuning",)  # settings of a recipe that the search has its own of
BUDGET = ("epochs", "min_steps", "max_steps")  # that a fixed number of steps makes idle
RANGE = "{low: 0.0003, high: 0.03, scale: log}"
EXAMPLE = f"learning_rate: {RANGE}"

Settings = dict[str, Any]  # of a trial: a setting's name -> its value


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """A search over a recipe's settings and the detector's width, for every subset of at most `up_to` per cent.

    Its tuning split takes the place of one that the recipe has.
    """

    space: dict[str, list | dict]  # setting -> list of choices, or {low, high, scale: linear | log}
    trials: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 16
    strategy: Literal["random", "asha"] = "asha"
    seed: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 0  # another one draws other trials
    hold_out: Annotated[float, msgspec.Meta(gt=0, lt=100)] = 10.0  # per cent of the subset: the tuning split
    every: Annotated[int, msgspec.Meta(ge=1, le=10**9)] = 200  # steps between two looks at it
    patience: Annotated[int, msgspec.Meta(ge=0, le=10**6)] = 5  # looks without gain that end a trial; 0 never ends one
    reduction: Annotated[int, msgspec.Meta(ge=2, le=100)] = 3  # ASHA goes on with one in so many at each rung
    up_to: Annotated[float, msgspec.Meta(gt=0, le=100)] = 100.0  # per cent: larger subsets are not searched
    then: Literal["best", "whole"] = "whole"  # the best trial's weights, or its settings trained on the whole subset


class Recipe(Protocol):
    """What of `study.config.Recipe`, which needs this module, is asked for here."""

    @property
    def steps(self) -> int | None: ...


class Detector(Protocol):
    """What of `study.config.DetectorConfig` is asked for here."""

    @property
    def name(self) -> str: ...

    @property
    def checkpoint(self) -> str: ...


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Every number from `low` to `high`, both included; integers where the setting is one."""

    low: int | float
    high: int | float
    scale: Literal["linear", "log"] = "linear"


def check_shape(raw: Any, path: str | Path) -> None:
    """Raise InputError, beginning with `path`, where `search` in a study's file has a space that is no mapping."""
    space = raw.get("space", {}) if isinstance(raw, dict) else {}
    if not isinstance(space, dict):
        raise InputError(f"{path}: search.space: must map each setting to its choices or its range, such as {EXAMPLE}")
    for name, choice in space.items():
        if not isinstance(choice, list | dict):
            raise InputError(f"{path}: search.space.{name}: must be a list of choices, or a range such as {RANGE}")


def check_search(search: Search, detectors: Sequence[tuple[Detector, Recipe]], fractions: Sequence[float],
                 path: str | Path) -> None:
    """Raise InputError, beginning with `path`, unless every detector with its recipe can be searched, and is at all."""
    if search.up_to < min(fractions):
        raise InputError(f"{path}: search.up_to {search.up_to:g} is below the smallest fraction, {min(fractions):g}, "
                         "so nothing would be searched; raise it, or leave 'search' out")
    where = f"{path}: search.space"
    if not search.space:
        raise InputError(f"{where}: names no setting; give at least one, such as {EXAMPLE}")
    types = types_of(*detectors[0])
    for name, choice in search.space.items():
        if name not in types:
            raise InputError(f"{where}: no setting '{name}'; {nearest(name, types)}")
        if isinstance(choice, dict):
            _check_range(choice, types[name], f"{where}.{name}")
        elif not choice:
            raise InputError(f"{where}.{name}: has no choice; give at least one")
        for value in choice if isinstance(choice, list) else ():
            _value(value, types[name], f"{where}.{name}")
    for detector, recipe in detectors:
        _refuse_idle(search, detector, recipe, where)


def types_of(detector: Detector, recipe: Recipe) -> dict[str, Any]:
    """Return every setting that can be searched and its type."""
    recipe_types = typing.get_type_hints(type(recipe), include_extras=True)
    detector_types = typing.get_type_hints(type(detector), include_extras=True)
    return {name: kind for name, kind in recipe_types.items() if name not in UNSEARCHED} | {
        name: detector_types[name] for name in OF_DETECTOR}


def _check_range(choice: dict, kind: Any, where: str) -> None:
    bounds = convert(choice, Range, where)
    low, high = (_value(end, kind, where) for end in (bounds.low, bounds.high))
    if not all(isinstance(end, int | float) for end in (low, high)):
        raise InputError(f"{where}: is no number; give a list of choices")
    if not low < high:
        raise InputError(f"{where}: low {low:g} is not below high {high:g}")
    if bounds.scale == "log" and low <= 0:
        raise InputError(f"{where}: a logarithmic scale begins above 0, low is {low:g}; raise it, or choose linear")


def _value(value: Any, kind: Any, where: str) -> Any:
    """Return `value` as the setting has it. Raises InputError for one that it cannot have."""
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise InputError(f"{where}: {value!r}: {error}") from None


def _refuse_idle(search: Search, detector: Detector, recipe: Recipe, where: str) -> None:
    """Raise InputError for settings that would change nothing, or that no trial could have."""
    idle = [name for name in BUDGET if name in search.space]
    if idle and (recipe.steps is not None or "steps" in search.space):
        raise InputError(f"{where}: '{idle[0]}' changes nothing where the number of steps is fixed, in the recipe of "
                         f"detector '{detector.name}' or in the space; leave one of them out")
    if "width" in search.space and detector.checkpoint:
        raise InputError(f"{where}: 'width' cannot be searched for detector '{detector.name}', whose checkpoint has "
                         "one; leave it out, or train from scratch (checkpoint: '')")
