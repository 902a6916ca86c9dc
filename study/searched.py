"""What a search found: search.json of a searched cell, and the study by which that cell is then trained and judged."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

import msgspec

from datasets.errors import InputError
from datasets.files import write_json
from study.config import Study
from study.layout import SEARCHED, RunFolder, StudyFolder
from study.matrix import Cell
from study.search import Settings
from study.trials import apply, as_settings

LENGTH, PATIENCE, ASHA, FAILED = "length", "patience", "asha", "failed"  # by which a trial ends


@dataclass(frozen=True)
class Trial:
    """One trial: its settings, and the best look at the tuning split that it had."""

    trial: int
    settings: Settings
    ap: float | None  # on the tuning split, in [0, 1]; None where it failed before its first look
    step: int  # of that look
    looks: int
    steps: int  # trained
    ended: str  # by LENGTH, PATIENCE, ASHA or FAILED
    reason: str  # of a failure
    seconds: float  # that its last process took


@dataclass(frozen=True)
class Found:
    """All trials of a finished search."""

    strategy: str
    images: int  # in the tuning split
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """The trial with the highest AP of those that did not fail; of equal ones the first, where 0 is no search."""
        return choose(self.trials)


def choose(trials: tuple[Trial, ...] | list[Trial]) -> Trial:
    """Return the best of several trials, one of which at least has not failed."""
    return max((trial for trial in trials if trial.ended != FAILED and trial.ap is not None),
               key=lambda trial: (trial.ap, -trial.trial))


def write_found(run: RunFolder, found: Found) -> None:
    """Write search.json of a searched cell."""
    best = found.best
    write_json(run.search, {"strategy": found.strategy, "images": found.images, "chosen": best.trial,
                            "settings": best.settings, "ap": best.ap, "step": best.step,
                            "trials": [asdict(trial) for trial in found.trials]})


def read_found(run: RunFolder) -> Found:
    """Return what a cell's search found. Raises InputError where it is not done, or its file is damaged."""
    if not run.search.exists():
        raise InputError(f"{run.search}: not there, so the hyperparameters are not searched yet; run python -m train "
                         "--search with the same arguments first")
    try:
        content = json.loads(run.search.read_text(encoding="utf-8"))
        trials = tuple(Trial(**_as_trial(trial)) for trial in content["trials"])
        choose(trials)  # raises ValueError where there is none to follow
    except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
        raise InputError(f"{run.search}: not a search of this version ({error}); delete it and search again: its "
                         "trials are kept") from None
    return Found(content["strategy"], content["images"], trials)


def chosen_study(study: Study, folder: StudyFolder, cell: Cell) -> Study:
    """Return the study by which the cell is trained and judged: with what its search found, or as it stands.

    Raises InputError where a searched cell has not been searched yet.
    """
    return apply(study, cell, read_found(folder.run(cell)).best.settings) if cell.searched else study


def recipe_name(study: Study, cell: Cell) -> str:
    """Return what results call the cell's recipe: a searched one makes a learning curve of its own."""
    return f"{study.recipe} {SEARCHED}" if cell.searched else study.recipe


def summary(found: Found) -> dict[str, Any]:
    """Return what the result of a searched cell says of its search."""
    best = found.best
    return {"trial": best.trial, "settings": best.settings, "trials": len(found.trials), "tuning_ap": best.ap,
            "seconds": round(sum(trial.seconds for trial in found.trials), 2)}


def _as_trial(content: dict[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(Trial)}
    return {key: value for key, value in content.items() if key in known} | {
        "settings": as_settings(content["settings"])}
