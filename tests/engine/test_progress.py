from dataclasses import replace

import msgspec
import pytest

from datasets.files import read_json, write_json
from engine.jobs import Job, Outcome
from engine.progress import Progress
from engine.until import Until
from study.layout import StudyFolder
from study.matrix import Cell
from tests.small import finish, make_study, write_dataset

FIRST, SECOND = Cell(10.0, "paint", "tiny"), Cell(50.0, "paint", "tiny")


@pytest.fixture
def study(tmp_path):
    return make_study(write_dataset(tmp_path / "data"))


@pytest.fixture
def progress(tmp_path, study):
    return Progress(study, StudyFolder(tmp_path / "studies" / "small"), 2, Until(width=90))


def _finish(study, folder, cell: Cell, value: float) -> None:
    metrics = [{"metric": metric, "class": "", "value": value, "stderr": 0.01} for metric in ("AP", "AP50")]
    run = finish(study, folder, cell, {
        "cell": msgspec.to_builtins(cell), "recipe": "scaled", "images": int(0.2 * cell.fraction), "boxes": 40,
        "steps": 9, "checkpoint": "ckpt-9", "train_seconds": 1.0, "evaluate_seconds": 1.0, "images_per_second": 9.0,
        "device": "CPU", "metrics": metrics})
    write_json(run.detections, [])


def _outcome(progress, cell: Cell, error: str = "", command: tuple[str, ...] = (), tries: int = 1) -> Outcome:
    job = Job(str(cell), command, progress.folder.run(cell).log, cell=cell, finishes=True)
    return Outcome(job, 1 if error else 0, 61.4, error, tries)


def test_what_a_run_reached_is_said_and_the_forecast_renewed(progress, study, capsys):
    _finish(study, progress.folder, FIRST, 0.2)
    progress([_outcome(progress, FIRST)])
    assert capsys.readouterr().out == "[1/2] paint tiny 10 % draw 0 seed 0: AP 20.0 ± 1.0, AP50 20.0 ± 1.0, 61 s\n"
    _finish(study, progress.folder, SECOND, 0.3)
    progress([_outcome(progress, SECOND)])
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2 and said[1].startswith("  paint tiny: ") and " expected at 20 images (80 %: " in said[1]
    assert progress.folder.report.exists() and not progress.until.wants(SECOND)  # any width up to 90 points will do
    assert (progress.ended, progress.failed) == (2, 0)


def test_why_a_run_failed_is_said_and_noted(progress, capsys):
    progress([_outcome(progress, FIRST, "killed by SIGKILL", ("python",), 4)])
    log = progress.folder.run(FIRST).log
    assert capsys.readouterr().err == (
        f"[1/2] paint tiny 10 % draw 0 seed 0 failed: killed by SIGKILL; {log} has more\n")
    assert read_json(progress.folder.run(FIRST).failure) == {"error": "killed by SIGKILL", "tries": 4}
    assert (progress.ended, progress.failed) == (1, 1) and not progress.folder.results.exists()


def test_a_search_that_fails_is_said_and_counts_with_its_cell_alone(progress, capsys):
    outcome = _outcome(progress, replace(FIRST, searched=True), "no box", ("python",))
    progress([replace(outcome, job=replace(outcome.job, name="search: it", finishes=False))])
    assert capsys.readouterr().err.startswith("search: it: no box; ") and progress.ended == 0


def test_a_result_that_cannot_be_read_yet_stops_nothing(progress, capsys):
    progress([_outcome(progress, FIRST)])
    assert capsys.readouterr().out == "[1/2] paint tiny 10 % draw 0 seed 0: done, 61 s\n"
