"""The work of a study as jobs: a command, what it needs, and what became of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from study.layout import StudyFolder
from study.matrix import Cell, fraction_key

RECORDS = "records"  # name of the job that writes them


@dataclass(frozen=True)
class Job:
    """A command that runs in a process of its own and leaves a result file."""

    name: str
    command: tuple[str, ...]
    log: Path  # its output
    needs: tuple[str, ...] = ()  # names of earlier jobs that must have ended well
    device: bool = True  # whether it asks for one, or only starts what does
    cell: Cell | None = None  # that it works for
    finishes: bool = False  # whether the cell is done with it


@dataclass(frozen=True)
class Outcome:
    """What became of a job."""

    job: Job
    status: int  # exit status of its process; 0 is well
    seconds: float  # of its last try
    error: str = ""  # in one line; empty where it ended well
    tries: int = 1

    @property
    def well(self) -> bool:
        return self.status == 0


OnEnd = Callable[[Sequence[Outcome]], None]
Wanted = Callable[[Cell], bool]  # whether a cell is still to be run


def jobs_of(folder: StudyFolder, waiting: Sequence[Cell], address: str, searches_at_once: int) -> list[Job]:
    """Return the jobs that finish the cells `waiting`, in their order, each search before its cell.

    `address` is that of the Ray cluster, for searches; at most so many of them run at once.
    """
    config = [str(folder.config), "--studies", str(folder.root.parent)]
    python = (sys.executable, "-m")
    jobs = [Job(RECORDS, (*python, "records", *config), folder.root / "records.log")]
    searches: list[str] = []
    for cell in waiting:
        run, train = folder.run(cell), (*python, "train", *config, *arguments_of(cell), "--wait")
        needs = (RECORDS,)
        if cell.searched and not run.search.exists():
            before = tuple(searches[-searches_at_once:-searches_at_once + 1 or None])
            search = f"search: {cell}"
            jobs.append(Job(search, (*train, "--search", "--address", address), run.root / "search.log",
                            (RECORDS, *before), device=False, cell=cell))
            searches.append(search)
            needs = (RECORDS, search)
        jobs.append(Job(str(cell), (*train, "--evaluate"), run.log, needs, cell=cell, finishes=True))
    return jobs


def arguments_of(cell: Cell) -> tuple[str, ...]:
    """Return the arguments of ``python -m train`` that name a cell."""
    flags = ("--searched",) if cell.searched else ()
    return (cell.dataset, cell.detector, fraction_key(cell.fraction), str(cell.draw), str(cell.seed), *flags)
