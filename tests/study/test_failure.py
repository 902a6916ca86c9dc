import pytest

from datasets.errors import InputError
from datasets.files import read_json
from study.failure import note, noted
from study.layout import RunFolder


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run")


def test_a_failure_is_noted_and_forgotten_once_the_run_is_begun_again(run):
    with pytest.raises(InputError), noted(run):
        raise InputError("the loss is\nnot finite")
    assert read_json(run.failure) == {"error": "the loss is not finite", "tries": 1}
    with noted(run):
        assert not run.failure.exists()
    assert not run.failure.exists()


def test_an_error_without_words_goes_by_its_name(run):
    with pytest.raises(MemoryError), noted(run):
        raise MemoryError
    assert read_json(run.failure)["error"] == "MemoryError"


def test_who_stops_a_run_has_not_made_it_fail(run):
    with pytest.raises(KeyboardInterrupt), noted(run):
        raise KeyboardInterrupt
    assert not run.failure.exists()


def test_tries_are_counted(run):
    note(run, "killed", 4)
    assert read_json(run.failure) == {"error": "killed", "tries": 4}
