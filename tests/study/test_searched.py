import json

import pytest

from datasets.errors import InputError
from datasets.files import write_json, write_text
from study.data import read_subset
from study.identity import training_inputs
from study.layout import StudyFolder
from study.matrix import Cell
from study.search import Search
from study.searched import (
    ASHA,
    FAILED,
    LENGTH,
    Found,
    Trial,
    chosen_study,
    read_found,
    recipe_name,
    summary,
    write_found,
)
from study.state import is_finished
from tests.small import finish, make_study, write_dataset

PLAIN, CELL = Cell(50.0, "paint", "tiny"), Cell(50.0, "paint", "tiny", searched=True)
SPACE = {"learning_rate": [0.1, 0.2], "augment": [["flip"]], "width": [0.1, 0.2]}


def _trial(number, ap, ended=LENGTH, **settings):
    plain = {"learning_rate": 0.1, "augment": ("flip",), "width": 0.2} | settings
    return Trial(number, plain, ap, 20, 3, 30, ended, "why" if ended == FAILED else "", 1.5)


FOUND = Found("asha", 5, (_trial(0, 0.2), _trial(1, 0.9, FAILED), _trial(2, 0.5, learning_rate=0.2),
                          _trial(3, 0.5, ASHA), _trial(4, None, FAILED)))


def test_the_best_trial_has_not_failed_and_of_equal_ones_is_the_first():
    assert FOUND.best.trial == 2
    assert summary(FOUND) == {"trial": 2, "settings": FOUND.best.settings, "trials": 5, "tuning_ap": 0.5,
                              "seconds": 7.5}


def test_what_was_found_survives_its_file(tmp_path):
    run = StudyFolder(tmp_path).run(CELL)
    write_found(run, FOUND)
    assert read_found(run) == FOUND
    content = json.loads(run.search.read_text())
    assert (content["chosen"], content["ap"], content["step"]) == (2, 0.5, 20)


@pytest.mark.parametrize("content", ["half", [], {}, {"strategy": "asha", "images": 5, "trials": []},
                                     {"strategy": "asha", "images": 5, "trials": [{"trial": 0, "settings": {}}]},
                                     {"strategy": "asha", "images": 5, "trials": [
                                         FOUND.trials[0].__dict__ | {"settings": {"learning_rate": -1}}]}])
def test_a_damaged_search_is_told(tmp_path, content):
    run = StudyFolder(tmp_path).run(CELL)
    write_text(run.search, '{"strategy": "as' if content == "half" else json.dumps(content))
    with pytest.raises(InputError, match="search.json: not a search of this version .*; delete it and search again"):
        read_found(run)


def test_a_cell_follows_its_search(tmp_path):
    study, folder = make_study("/data", search=Search(space=SPACE)), StudyFolder(tmp_path)
    assert chosen_study(study, folder, PLAIN) is study and recipe_name(study, PLAIN) == "scaled"
    with pytest.raises(InputError, match="not searched yet; run python -m train --search"):
        chosen_study(study, folder, CELL)
    write_found(folder.run(CELL), FOUND)
    detector = chosen_study(study, folder, CELL).detectors[0]
    assert (detector.width, detector.recipes["scaled"].learning_rate) == (0.2, 0.2)
    assert recipe_name(study, CELL) == "scaled searched"


@pytest.fixture
def finished(tmp_path):
    """A study whose searched cell has been searched, trained and evaluated."""
    study = make_study(write_dataset(tmp_path / "data"), search=Search(space=SPACE))
    folder = StudyFolder(tmp_path / "studies")
    finish(study, folder, CELL, {})
    write_json(folder.run(CELL).detections, [])
    return study, folder


def test_a_searched_cell_is_finished_by_itself(finished):
    study, folder = finished
    assert is_finished(study, folder, CELL) and not is_finished(study, folder, PLAIN)


@pytest.mark.parametrize(("change", "message"), [
    ({"space": SPACE | {"width": [0.1, 0.3]}}, "search.space.width"), ({"trials": 3}, r"search.trials: 16 then, 3 now"),
    ({"strategy": "random"}, "search.strategy"), ({"seed": 1}, "search.seed"), ({"then": "best"}, "search.then"),
])
def test_another_search_is_refused(finished, change, message):
    study, folder = finished
    other = make_study(study.datasets[0].root, search=Search(**{"space": SPACE} | change))
    with pytest.raises(InputError, match=message):
        is_finished(other, folder, CELL)


def test_a_search_of_further_sizes_is_the_same(finished):
    study, folder = finished
    assert is_finished(make_study(study.datasets[0].root, search=Search(space=SPACE, up_to=50.0)), folder, CELL)


def test_a_trial_begun_makes_the_run_one_of_its_inputs(tmp_path):
    run = StudyFolder(tmp_path).run(CELL)
    assert not run.has_begun()
    trial = run.trial(1)
    trial.checkpoints.mkdir(parents=True)
    (trial.checkpoints / "ckpt-1.index").touch()
    assert not run.has_begun()  # nobody knows of which inputs
    trial.params.touch()
    assert run.has_begun()


def test_a_plain_cell_knows_nothing_of_a_search(tmp_path, finished):
    study, folder = finished
    subset = read_subset(folder, study.datasets[0], PLAIN)
    without = make_study(study.datasets[0].root)
    assert training_inputs(study, PLAIN, subset, 1) == training_inputs(without, PLAIN, subset, 1)
    assert "searched" not in training_inputs(study, PLAIN, subset, 1)["cell"]
    trial = training_inputs(study, CELL, subset, 1, trial=3)
    assert trial["trial"] == 3 and "search" not in trial
