"""Every cell of a study as a row: what it takes, and how far it is. For people and, as JSON, for programs."""

from __future__ import annotations

import heapq
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from datasets.embedded.make import image_counts
from datasets.files import read_json_if_whole
from datasets.orders.order import subset_size
from engine.jobs import arguments_of
from predict.text import counted
from study.config import REPOSITORY, DatasetConfig, Study, find_detector, find_recipe
from study.data import read_train, read_validation
from study.layout import RunFolder, StudyFolder
from study.lock import owner_of
from study.matrix import Cell
from study.rates import Rate, seconds_of, spell, steps_of
from study.state import is_finished
from study.trials import trials_of

State = Literal["done", "running", "failed", "waiting"]
STATES: tuple[State, ...] = ("done", "running", "failed", "waiting")
SCRIPT = REPOSITORY / "train/train_subset.sh"
CHECKPOINT = re.compile(r'^model_checkpoint_path: ".*ckpt-(\d+)"', re.MULTILINE)  # in TensorFlow's `checkpoint` file


@dataclass(frozen=True)
class Row:
    """One cell."""

    cell: Cell
    images: int
    steps: int
    trials: int  # of its search
    seconds: float | None  # that it takes from its beginning, a searched one at most; None where no rate is known
    state: State
    trained: int = 0  # steps that its last checkpoint has, unless it is done
    progress: float = 0.0  # the share of it that is done
    owner: str = ""  # who runs it
    error: str = ""  # why it failed
    tries: int = 0
    log: str = ""
    command: str = ""  # that runs it, for a shell
    result: str = ""  # path of its result file, which is there once it is done

    @property
    def left(self) -> float | None:
        """Seconds that are left of it; None where no rate is known."""
        if self.state == "done":
            return 0.0
        return None if self.seconds is None else self.seconds * (1 - self.progress)


def rows_of(study: Study, folder: StudyFolder, cells: Sequence[Cell], rates: Mapping[str, Rate]) -> list[Row]:
    """Return a row for each of `cells`, in their order; nothing is written.

    Raises InputError where the annotations are not at hand, for a fraction that selects no image, and where a folder
    holds a run of other inputs.
    """
    counts = {dataset.name: count_images(dataset) for dataset in study.datasets}
    return [_row(study, folder, cell, *counts[cell.dataset], rates.get(cell.detector)) for cell in cells]


def state_of(study: Study, folder: StudyFolder, cell: Cell) -> State:
    """Return how far `cell` is. Raises InputError if its folder holds a run of other inputs."""
    run = folder.run(cell)
    if is_finished(study, folder, cell):
        return "done"
    if owner_of(run.lock):
        return "running"
    return "failed" if run.failure.exists() else "waiting"


def count_images(dataset: DatasetConfig) -> tuple[int, int]:
    """Return the numbers of training and validation images; an embedded set need not be made for it.

    Raises InputError for missing or unusable annotations.
    """
    if dataset.generator and not dataset.hold_out and not (REPOSITORY / dataset.root).exists():
        return image_counts(dataset.generator, *dataset.generated)
    return read_train(dataset).num_images, read_validation(dataset).num_images


def time_on(rows: Sequence[Row], workers: int) -> float:
    """Return the seconds until all that is left of `rows` is done: in their order, each on the first worker free.

    Graham's list scheduling (1966, Bell System Technical Journal 45). The trials of a search are jobs of their own.
    """
    free = [0.0] * max(1, workers)
    for row in rows:
        for _ in range(1 + row.trials):
            heapq.heapreplace(free, free[0] + (row.left or 0.0) / (1 + row.trials))
    return max(free)


def spell_left(rows: Sequence[Row], workers: int) -> str:
    """Return how long `rows` still take on so many workers, in words."""
    known = [row for row in rows if row.left is not None]
    most = "at most " if any(row.trials and row.state != "done" for row in known) else ""
    unknown = f" and {counted(len(rows) - len(known), 'run')} of unknown length" if len(known) < len(rows) else ""
    return f"{most}{spell(time_on(known, workers))}{unknown}"


def plain(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the rows as plain values, for JSON."""
    return [msgspec.to_builtins(row.cell) | {"left": row.left}
            | {name: value for name, value in vars(row).items() if name != "cell"} for row in rows]


def _command(folder: StudyFolder, cell: Cell) -> str:
    """Return the command that runs a cell, in one line. Its paths are absolute: it runs from anywhere."""
    study = [str(SCRIPT), str(folder.config), "--studies", str(folder.root.parent)]
    return shlex.join([*study, *arguments_of(cell), "--wait", "--evaluate"])


def _row(study: Study, folder: StudyFolder, cell: Cell, train: int, validation: int, rate: Rate | None) -> Row:
    images, recipe = subset_size(cell.fraction, train), find_recipe(study, find_detector(study, cell.detector))
    row = Row(cell, images, steps_of(recipe, images), len(trials_of(study, cell)) if cell.searched else 0,
              rate and seconds_of(study, cell, images, validation, rate), state_of(study, folder, cell),
              command=_command(folder, cell), result=str(folder.run(cell).result))
    if row.state == "done":
        return replace(row, progress=1.0)
    return _with_progress(row, folder.run(cell), 2 if recipe.tuning and recipe.tuning.then == "whole" else 1)


def _with_progress(row: Row, run: RunFolder, passes: int) -> Row:
    """Return `row` with what the run's folder tells of it. Its recipe trains the subset `passes` times."""
    trained = [_last_step(folder) for folder in (run.tuning_checkpoints, run.checkpoints)]
    share = 1.0 if run.training.exists() else min(1.0, sum(trained) / row.steps / passes)
    ended = sum(run.trial(number).ended.exists() for number in range(row.trials))
    tried = row.trials if run.search.exists() else ended
    noted = read_json_if_whole(run.failure) if row.state == "failed" else {}
    failure = noted if isinstance(noted, dict) else {}
    log = run.log if run.log.exists() else ""
    return replace(row, trained=trained[1] or trained[0], progress=(tried + share) / (row.trials + 1), log=str(log),
                   owner=owner_of(run.lock) or "", error=failure.get("error", ""), tries=failure.get("tries", 0))


def _last_step(checkpoints: Path) -> int:
    """Return the step of the last checkpoint as TensorFlow's list of them has it, 0 where there is none."""
    listed = checkpoints / "checkpoint"
    found = CHECKPOINT.search(listed.read_text(encoding="utf-8")) if listed.exists() else None
    return int(found[1]) if found else 0
