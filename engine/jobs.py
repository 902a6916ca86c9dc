"""The work of a study as jobs: a command, what it needs, and what became of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.errors import InputError
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
    device: bool = True  # whether it asks for one itself; a search leaves that to its trials
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


class Queue:
    """Jobs that wait for their turn: in their order, each after what it needs."""

    def __init__(self, jobs: Sequence[Job], wanted: Wanted):
        self.waiting, self.wanted = list(jobs), wanted
        self._ended: dict[str, Outcome] = {}
        self._asked: set[Cell] = set()

    def next(self) -> Job | None:
        """Take the first job that can begin; None where all that wait need others first.

        Whether a cell is wanted is asked once, before the first of its jobs.
        """
        for job in list(self.waiting):
            if job not in self.waiting or not all(name in self._ended for name in job.needs):
                continue
            if job.cell is not None and job.cell not in self._asked:
                self._asked.add(job.cell)
                if not self.wanted(job.cell):
                    self.waiting = [other for other in self.waiting if other.cell != job.cell]
                    continue
            self.waiting.remove(job)
            return job
        return None

    def end(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Take note of jobs that have ended, and return them and those that therefore cannot begin.

        Raises InputError where the records could not be made, which all cells need.
        """
        ended = list(outcomes)
        for outcome in ended:  # which grows
            self._ended[outcome.job.name] = outcome
            if outcome.job.name == RECORDS and not outcome.well:
                why = outcome.error.removeprefix("error: ")
                raise InputError(f"the records could not be made: {why}; all of it is in {outcome.job.log}")
            for job in [job for job in self.waiting if not outcome.well and outcome.job.name in job.needs]:
                self.waiting.remove(job)
                ended.append(Outcome(job, 1, 0.0, f"not begun: {outcome.job.name} failed: {outcome.error}"))
        return ended


def jobs_of(folder: StudyFolder, waiting: Sequence[Cell], address: str, cpus: int) -> list[Job]:
    """Return the jobs that finish the cells `waiting`, in their order, each search before its cell.

    `address` is that of the Ray cluster, on which the trials of searches get so many CPUs each, or a GPU.
    """
    config = [str(folder.config), "--studies", str(folder.root.parent)]
    python = (sys.executable, "-m")
    jobs = [Job(RECORDS, (*python, "records", *config), folder.root / "records.log")]
    for cell in waiting:
        run, train = folder.run(cell), (*python, "train", *config, *arguments_of(cell), "--wait")
        needs = (RECORDS,)
        if cell.searched and not run.search.exists():
            search = f"search: {cell}"
            jobs.append(Job(search, (*train, "--search", "--address", address, "--cpus", str(cpus)),
                            run.root / "search.log", needs, device=False, cell=cell))
            needs = (RECORDS, search)
        jobs.append(Job(str(cell), (*train, "--evaluate"), run.log, needs, cell=cell, finishes=True))
    return jobs


def arguments_of(cell: Cell) -> tuple[str, ...]:
    """Return the arguments of ``python -m train`` that name a cell."""
    flags = ("--searched",) if cell.searched else ()
    return (cell.dataset, cell.detector, fraction_key(cell.fraction), str(cell.draw), str(cell.seed), *flags)
