import errno

import pytest

from datasets.errors import InputError
from datasets.files import read_json
from engine.inline import run_cells
from study.data import cut_orders, read_train
from study.layout import StudyFolder
from study.matrix import cells
from tests.small import make_study, write_dataset


@pytest.fixture
def study(tmp_path):
    return make_study(write_dataset(tmp_path / "data"))


@pytest.fixture
def folder(tmp_path, study):
    folder = StudyFolder(tmp_path / "studies" / "small")
    cut_orders(study, folder, study.datasets[0], read_train(study.datasets[0]))
    return folder


def _raising(errors: list[Exception | None]):
    """Return a training that ends as `errors` say, one after another."""

    def train_cell(study, folder, cell, device):
        if error := errors.pop(0):
            raise error

    return train_cell


def _run(monkeypatch, study, folder, errors, wanted=lambda cell: True) -> list:
    outcomes = []
    monkeypatch.setattr("train.run.train_cell", _raising(errors))
    monkeypatch.setattr("evaluate.run.evaluate_cell", lambda *_: None)
    assert run_cells(study, folder, cells(study), outcomes.extend, wanted)
    return outcomes


def test_a_cell_that_fails_is_noted_and_the_others_go_on(monkeypatch, study, folder):
    errors = [InputError("the loss is not finite"), ValueError("Incompatible shapes\nmore of it"), None]
    outcomes = _run(monkeypatch, study, folder, errors)
    assert [(outcome.well, outcome.error) for outcome in outcomes] == [
        (False, "the loss is not finite"), (False, "ValueError: Incompatible shapes"), (True, "")]
    first, second, third = (folder.run(cell) for cell in cells(study))
    assert read_json(first.failure)["error"] == "the loss is not finite" and not third.failure.exists()
    assert "Traceback" in second.log.read_text() and not first.log.exists()


def test_a_full_disk_stops_them_all(monkeypatch, study, folder):
    with pytest.raises(OSError, match="No space"):
        _run(monkeypatch, study, folder, [OSError(errno.ENOSPC, "No space left on device")])


def test_a_cell_that_is_not_wanted_any_more_is_left_out(monkeypatch, study, folder):
    outcomes = _run(monkeypatch, study, folder, [None], lambda cell: cell.fraction == 50)
    assert [outcome.job.cell.fraction for outcome in outcomes] == [50]


def test_what_would_stop_a_cell_is_told_before_the_first(monkeypatch, study, folder):
    monkeypatch.setattr("train.run.check_cell", lambda *_: (_ for _ in ()).throw(InputError("no box to learn from")))
    with pytest.raises(InputError, match="no box"):
        _run(monkeypatch, study, folder, [])
