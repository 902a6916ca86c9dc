import sys
from pathlib import Path

import pytest

from datasets.errors import InputError
from engine.jobs import RECORDS, Job, Outcome, Queue, jobs_of
from study.layout import StudyFolder
from study.matrix import Cell

CELLS = [Cell(2.5, "coco", "small", 1), Cell(2.5, "coco", "small", 1, searched=True),
         Cell(5.0, "coco", "small", searched=True), Cell(10.0, "coco", "small", 0, 2, searched=True)]


def test_every_cell_is_a_command_like_that_of_the_shell_script(tmp_path):
    folder = StudyFolder(tmp_path / "studies" / "mine")
    records, cell = jobs_of(folder, CELLS[:1], "HOST:1", 2)
    assert records.name == RECORDS and records.command[1:4] == ("-m", "records", str(folder.config))
    assert cell.command == (sys.executable, "-m", "train", str(folder.config), "--studies", str(folder.root.parent),
                            "coco", "small", "2.5", "1", "0", "--wait", "--evaluate")
    assert cell.needs == (RECORDS,) and cell.cell == CELLS[0] and cell.finishes and cell.device
    assert cell.log == folder.run(CELLS[0]).log


def test_a_search_goes_before_its_cell(tmp_path):
    jobs = {job.name: job for job in jobs_of(StudyFolder(tmp_path), CELLS, "HOST:1", 2)}
    searches = [job for job in jobs.values() if not job.device]
    assert [job.needs for job in searches] == [(RECORDS,)] * 3 and not any(job.finishes for job in searches)
    for cell, search in zip(CELLS[1:], searches):
        assert jobs[str(cell)].needs == (RECORDS, search.name)
        assert search.cell == cell and search.command[-5:] == ("--search", "--address", "HOST:1", "--cpus", "2")
        assert "--searched" in search.command and "--searched" in jobs[str(cell)].command


def test_a_search_that_is_done_is_not_done_again(tmp_path):
    folder = StudyFolder(tmp_path)
    folder.run(CELLS[1]).search.parent.mkdir(parents=True)
    folder.run(CELLS[1]).search.touch()
    assert [job.name for job in jobs_of(folder, CELLS[1:2], "", 2)] == [RECORDS, str(CELLS[1])]


def test_without_records_there_is_one_error():
    records, cell = _job(RECORDS), _job("cell", RECORDS, cell=CELLS[0])
    queue = Queue([records, cell], lambda _: True)
    assert _take(queue) == [RECORDS]
    with pytest.raises(InputError, match=r"^the records could not be made: a.jpg: absent; all of it is in \.$"):
        queue.end([Outcome(records, 2, 1.0, "error: a.jpg: absent")])


def _job(name: str, *needs: str, cell: Cell | None = None) -> Job:
    return Job(name, (), Path(), needs, cell=cell)


def _take(queue: Queue) -> list[str]:
    """Return the names of all jobs that can begin now."""
    return [job.name for job in iter(queue.next, None)]


def test_jobs_begin_in_their_order_each_after_what_it_needs():
    queue = Queue([_job("a"), _job("b", "a"), _job("c", "a", "b"), _job("d")], lambda cell: True)
    assert _take(queue) == ["a", "d"]
    assert [outcome.job.name for outcome in queue.end([Outcome(_job("a"), 0, 1.0)])] == ["a"]
    assert _take(queue) == ["b"]
    queue.end([Outcome(_job("b"), 0, 1.0)])
    assert _take(queue) == ["c"] and queue.waiting == []


def test_what_needs_a_failed_job_ends_with_it_and_the_others_go_on():
    queue = Queue([_job("a"), _job("b", "a"), _job("c", "b"), _job("d")], lambda cell: True)
    assert queue.next().name == "a"
    ended = queue.end([Outcome(_job("a"), 2, 1.0, "spoilt")])
    assert [(outcome.job.name, outcome.error) for outcome in ended] == [
        ("a", "spoilt"), ("b", "not begun: a failed: spoilt"),
        ("c", "not begun: b failed: not begun: a failed: spoilt")]
    assert _take(queue) == ["d"]


def test_whether_a_cell_is_wanted_is_asked_once_before_its_first_job():
    asked = []

    def wants(cell):
        asked.append(cell)
        return cell != CELLS[1]

    jobs = [_job("search 1", cell=CELLS[1]), _job("search 2", cell=CELLS[2]), _job("1", "search 1", cell=CELLS[1]),
            _job("2", "search 2", cell=CELLS[2])]
    queue = Queue(jobs, wants)
    assert _take(queue) == ["search 2"]
    queue.end([Outcome(jobs[1], 0, 1.0)])
    assert _take(queue) == ["2"] and queue.waiting == [] and asked == [CELLS[1], CELLS[2]]
