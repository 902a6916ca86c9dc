import sys

from engine.jobs import RECORDS, jobs_of
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


def test_a_search_goes_before_its_cell_and_few_at_once(tmp_path):
    jobs = {job.name: job for job in jobs_of(StudyFolder(tmp_path), CELLS, "HOST:1", 2)}
    searches = [job for job in jobs.values() if not job.device]
    assert [job.needs for job in searches] == [(RECORDS,), (RECORDS,), (RECORDS, searches[0].name)]
    assert list(jobs)[1] == str(CELLS[0]) and not any(job.finishes for job in searches)
    for cell, search in zip(CELLS[1:], searches):
        assert jobs[str(cell)].needs == (RECORDS, search.name)
        assert search.cell == cell and search.command[-3:] == ("--search", "--address", "HOST:1")
        assert "--searched" in search.command and "--searched" in jobs[str(cell)].command


def test_a_search_that_is_done_is_not_done_again(tmp_path):
    folder = StudyFolder(tmp_path)
    folder.run(CELLS[1]).search.parent.mkdir(parents=True)
    folder.run(CELLS[1]).search.touch()
    assert [job.name for job in jobs_of(folder, CELLS[1:2], "", 2)] == [RECORDS, str(CELLS[1])]
