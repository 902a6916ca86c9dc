from pathlib import Path

import pytest

from datasets.errors import InputError
from engine.jobs import Job, Outcome
from engine.ray_tasks import TRIES, Share, run_jobs, share_out
from study.cluster import Resources
from study.config import Runtime
from study.matrix import Cell

SHARE = Share(1.0, 0, 2)


class Sheet:
    """A folder in which jobs leave what they did."""

    def __init__(self, folder: Path):
        self.folder, self.outcomes = folder, []

    def job(self, name: str, text: str = "true", **settings) -> Job:
        """Return a job that notes that it began, and then does `text`."""
        command = ("/bin/sh", "-c", f"echo {name} >> {self.folder}/begun; {text}")
        return Job(name, command, self.folder / f"{name}.log", **settings)

    @property
    def begun(self) -> list[str]:
        path = self.folder / "begun"
        return path.read_text().split() if path.exists() else []

    def run(self, *jobs: Job, wanted=lambda cell: True) -> dict[str, Outcome]:
        run_jobs(jobs, SHARE, self.outcomes.extend, wanted)
        assert len({outcome.job.name for outcome in self.outcomes}) == len(self.outcomes)
        return {outcome.job.name: outcome for outcome in self.outcomes}


@pytest.fixture
def sheet(tmp_path, ray) -> Sheet:
    return Sheet(tmp_path)


def test_every_job_runs_once_and_is_told_of_once(sheet):
    names = [f"job-{number}" for number in range(12)]
    outcomes = sheet.run(*map(sheet.job, names))
    assert sorted(sheet.begun) == sorted(outcomes) == sorted(names)
    assert all(outcome.well and outcome.tries == 1 for outcome in outcomes.values())


def test_a_crash_is_tried_again_and_a_mistake_is_not(sheet):
    once = f"[ -e {sheet.folder}/mark ] && exit 0; touch {sheet.folder}/mark; kill -9 $$"
    outcomes = sheet.run(sheet.job("once", once), sheet.job("always", "echo it broke; kill -9 $$"),
                         sheet.job("mistake", "echo error: no such folder >&2; exit 2"))
    assert outcomes["once"].well and outcomes["once"].tries == 2
    assert not outcomes["always"].well and outcomes["always"].tries == TRIES
    assert outcomes["always"].error == "killed by SIGKILL (it broke)"
    assert (outcomes["mistake"].error, outcomes["mistake"].tries) == ("no such folder", 1)
    assert sorted(sheet.begun) == sorted(["once"] * 2 + ["always"] * TRIES + ["mistake"])


def test_what_needs_a_failed_job_is_not_begun_and_the_others_are(sheet):
    outcomes = sheet.run(sheet.job("bad", "echo error: spoilt; exit 2"), sheet.job("good", "sleep 0.2"),
                         sheet.job("after bad", needs=("good", "bad")), sheet.job("after-good", needs=("good",)))
    assert sheet.begun.index("good") < sheet.begun.index("after-good") and len(sheet.begun) == 3
    assert outcomes["after bad"].error == "not begun: bad failed: spoilt"


def test_no_more_run_at_once_than_there_are_workers(sheet):
    place = sheet.folder
    text = f"mkdir {place}/$$; ls -d {place}/*/ | wc -l >> {place}/at-once; sleep 0.3; rmdir {place}/$$"
    run_jobs([sheet.job(f"job-{number}", text) for number in range(6)], Share(0.1, 0, 2), sheet.outcomes.extend)
    assert max(map(int, (sheet.folder / "at-once").read_text().split())) <= 2 and len(sheet.outcomes) == 6


def test_nothing_that_is_not_wanted_is_begun(sheet):
    cells = [Cell(float(size), "data", "tiny") for size in range(1, 7)]
    jobs = [sheet.job(f"job-{number}", cell=cell, finishes=True) for number, cell in enumerate(cells)]
    sheet.run(*jobs, wanted=lambda cell: len(sheet.outcomes) < 3)
    assert 3 <= len(sheet.begun) <= 3 + SHARE.workers - 1 and len(sheet.begun) == len(sheet.outcomes)


def test_an_exception_stops_what_is_running(sheet):
    def stop(outcomes):
        raise KeyboardInterrupt

    ready, asked = sheet.folder / "ready", sheet.folder / "asked"
    slow = f"trap 'touch {asked}; exit 143' TERM; touch {ready}; while :; do sleep 0.05; done"
    quick = f"while [ ! -e {ready} ]; do sleep 0.05; done"
    with pytest.raises(KeyboardInterrupt):
        run_jobs([sheet.job("slow", slow), sheet.job("quick", quick)], SHARE, stop)
    assert asked.exists()


ONE, MIRRORED = Runtime(), Runtime(distribution="mirrored", replicas=2)


@pytest.mark.parametrize(("nodes", "runtime", "workers", "share"), [
    ([(2, 0)], ONE, None, Share(2, 0, 1)), ([(2, 0)], ONE, 2, Share(1, 0, 2)), ([(8, 0)], ONE, 3, Share(2, 0, 3)),
    ([(0, 0), (4, 0), (4, 0)], ONE, None, Share(4, 0, 2)), ([(4, 0), (4, 0)], ONE, 3, Share(2, 0, 3)),
    ([(1, 0)] * 8, ONE, None, Share(1, 0, 8)), ([(16, 2), (16, 4)], ONE, None, Share(4, 1, 6)),
    ([(16, 2), (16, 4)], ONE, 3, Share(4, 1, 3)), ([(16, 2), (16, 4)], MIRRORED, None, Share(8, 2, 3)),
    ([(2, 4)], ONE, None, Share(1, 1, 4)),
])
def test_each_run_gets_a_gpu_or_a_share_of_the_cpus(nodes, runtime, workers, share):
    assert share_out(Resources(tuple(nodes)), runtime, workers) == share


@pytest.mark.parametrize(("nodes", "runtime", "workers", "fragment"), [
    ([(2, 0)], ONE, 3, "--workers 3: the CPUs here are 2"), ([(8, 2)], ONE, 3, "room for 2 at once on the 2 here"),
    ([(8, 2), (8, 1)], MIRRORED, 2, "with 2 GPUs a run, there is room for 1"),
    ([(8, 1)], MIRRORED, None, "no machine here has more than 1"),
    ([(8, 1)], Runtime(distribution="multi_worker"), None, "multi_worker"),
])
def test_more_than_there_is_is_refused(nodes, runtime, workers, fragment):
    with pytest.raises(InputError, match=fragment):
        share_out(Resources(tuple(nodes)), runtime, workers)
