"""The trials of a search: their settings, drawn by hash, and the study by which each of them is trained."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import msgspec

from study.config import Recipe, Runtime, Study, Tuning, find_detector, find_recipe
from study.matrix import Cell, fraction_key
from study.search import OF_DETECTOR, Range, Search, Settings, types_of

ATTEMPTS = 1000  # at settings that no earlier trial has
DIGITS = 4  # significant ones, of drawn numbers


def trials_of(study: Study, cell: Cell) -> list[Settings]:
    """Return the settings of the trials of a cell's search, no two alike; fewer than asked for where there are no more.

    Trial 0 has the recipe as it stands. Every other is drawn by a hash of the cell, the search's seed and its own
    number: it is the same in every process, and however many follow it.
    """
    search = search_of(study)
    detector = find_detector(study, cell.detector)
    recipe = find_recipe(study, detector)
    trials = [{name: getattr(detector if name in OF_DETECTOR else recipe, name) for name in search.space}]
    types = types_of(detector, recipe)
    known = {_key(trials[0])}
    for number in range(1, search.trials):
        draws = (_draw(search, types, (*_identity(cell), search.seed, number, again)) for again in range(ATTEMPTS))
        settings = next((settings for settings in draws if _key(settings) not in known), None)
        if settings is None:
            break
        trials.append(settings)
        known.add(_key(settings))
    return trials


def search_of(study: Study) -> Search:
    """Return the study's search, which every searched cell implies."""
    assert study.search is not None
    return study.search


def tuning_of(search: Search) -> Tuning:
    """Return the rule by which a trial looks at the tuning split, and stops."""
    return Tuning(hold_out=search.hold_out, every=search.every, patience=search.patience, then="best")


def trial_study(study: Study, cell: Cell, settings: Settings) -> Study:
    """Return the study by which a trial of the cell with these settings is trained, on one device."""
    tried = apply(study, cell, settings, tuning_of(search_of(study)))
    return msgspec.structs.replace(tried, runtime=Runtime(precision=study.runtime.precision, xla=study.runtime.xla))


def apply(study: Study, cell: Cell, settings: Settings, tuning: Tuning | None = None) -> Study:
    """Return the study with these settings in the cell's detector and its recipe, and `tuning` for the recipe's own."""
    detector = find_detector(study, cell.detector)
    size = {name: value for name, value in settings.items() if name in OF_DETECTOR}
    rest = {name: value for name, value in settings.items() if name not in OF_DETECTOR}
    recipe = msgspec.structs.replace(find_recipe(study, detector), **rest, tuning=tuning)
    changed = msgspec.structs.replace(detector, **size, recipes=detector.recipes | {study.recipe: recipe})
    return msgspec.structs.replace(
        study, detectors=tuple(changed if each is detector else each for each in study.detectors))


def as_settings(plain: Settings) -> Settings:
    """Return settings out of a file as the recipe has them."""
    recipe = {name: value for name, value in plain.items() if name not in OF_DETECTOR}
    typed = msgspec.convert(recipe, Recipe, strict=True)
    return plain | {name: getattr(typed, name) for name in recipe}


def _identity(cell: Cell) -> tuple:
    return cell.dataset, cell.detector, fraction_key(cell.fraction), cell.draw, cell.seed


def _key(settings: Settings) -> str:
    return json.dumps(settings, sort_keys=True)


def _draw(search: Search, types: dict[str, Any], identity: tuple) -> Settings:
    return {name: _pick(choice, types[name], _share((*identity, name))) for name, choice in search.space.items()}


def _share(identity: tuple) -> float:
    """Return a number in [0, 1) that is evenly spread over identities."""
    digest = hashlib.sha256(json.dumps(identity).encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def _pick(choice: list | dict, kind: Any, share: float) -> Any:
    """Return the value that lies at `share` of the way through a list or a range."""
    if isinstance(choice, list):
        return msgspec.convert(choice[int(share * len(choice))], kind)
    bounds = msgspec.convert(choice, Range)
    low, high = (msgspec.convert(end, kind) for end in (bounds.low, bounds.high))
    last = high + 1 if isinstance(low, int) else high  # the highest integer is as likely as any other
    value = low * math.exp(share * math.log(last / low)) if bounds.scale == "log" else low + share * (last - low)
    return min(math.floor(value) if isinstance(low, int) else max(float(f"{value:.{DIGITS}g}"), low), high)
