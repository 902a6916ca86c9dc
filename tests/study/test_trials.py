import json
import math
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.config import Recipe, Runtime, Tuning, find_recipe
from study.matrix import Cell
from study.search import Search
from study.trials import apply, as_settings, trial_study, trials_of
from tests.small import make_study

CELL = Cell(10.0, "paint", "tiny", searched=True)
SPACE = {"learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log"}, "steps": {"low": 10, "high": 14},
         "augment": [[], ["flip"]], "width": {"low": 0.1, "high": 0.3}}


def _study(space=SPACE, **search):
    return make_study("/data", search=Search(space=space, **search))


def test_trial_0_is_the_recipe_as_it_stands():
    first = trials_of(_study(), CELL)[0]
    assert first == {"learning_rate": 0.01, "steps": None, "augment": ("flip", "ssd_crop"), "width": 0.1}
    study = _study()
    assert apply(study, CELL, first) == study


def test_other_trials_lie_within_the_space_and_differ():
    trials = trials_of(_study(trials=200), CELL)
    assert len(trials) == 200 == len({json.dumps(trial) for trial in trials})
    for trial in trials[1:]:
        assert 1e-4 <= trial["learning_rate"] <= 1e-1 and 0.1 <= trial["width"] <= 0.3
        assert trial["augment"] in ((), ("flip",)) and isinstance(trial["steps"], int)
    assert {trial["steps"] for trial in trials[1:]} == {10, 11, 12, 13, 14}
    low = sum(trial["learning_rate"] < math.sqrt(1e-5) for trial in trials[1:])
    assert 75 <= low <= 125  # of a logarithmic scale, half


@pytest.mark.parametrize("change", [{"seed": 1}, {"cell": Cell(10.0, "paint", "tiny", 1, searched=True)},
                                    {"cell": Cell(10.0, "paint", "tiny", 0, 1, searched=True)},
                                    {"cell": Cell(50.0, "paint", "tiny", searched=True)}])
def test_another_cell_or_seed_draws_other_trials(change):
    cell, seed = change.get("cell", CELL), change.get("seed", 0)
    assert trials_of(_study(seed=seed), cell)[1:] != trials_of(_study(), CELL)[1:]


def test_a_trial_is_the_same_in_every_process_and_however_many_follow():
    program = ("import json; from tests.study.test_trials import _study, CELL; from study.trials import trials_of; "
               "print(json.dumps(trials_of(_study(trials=5), CELL)))")
    root = Path(__file__).resolve().parents[2]
    elsewhere = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True,
                               env={"PYTHONHASHSEED": "7"})
    assert json.loads(elsewhere.stdout) == json.loads(json.dumps(trials_of(_study(trials=9), CELL)[:5]))


def test_a_further_setting_leaves_the_others_as_they_are():
    more = trials_of(_study(SPACE | {"weight_decay": [0.0, 1e-4]}), CELL)
    assert [{name: trial[name] for name in SPACE} for trial in more] == trials_of(_study(), CELL)


@pytest.mark.parametrize(("space", "count"), [({"optimizer": ["sgd", "adam", "rmsprop"]}, 3), ({"width": [0.1]}, 1),
                                              ({"batch_size": {"low": 1, "high": 4}}, 5)])
def test_a_small_space_has_fewer_trials(space, count):
    assert len(trials_of(_study(space, trials=50), CELL)) == count


@settings(max_examples=60)
@given(st.integers(1, 10**6), st.integers(1, 10**6), st.booleans())
def test_integers_stay_integers_within_their_range(low, more, log):
    space = {"steps": {"low": low, "high": low + more, "scale": "log" if log else "linear"}}
    for trial in trials_of(_study(space, trials=6), CELL)[1:]:
        assert isinstance(trial["steps"], int) and low <= trial["steps"] <= low + more


def test_a_trial_has_the_searchs_tuning_split_and_one_device():
    study = _study(hold_out=30.0, every=7, patience=2)
    recipe = Recipe(tuning=Tuning(hold_out=5.0, then="whole"))
    detector = msgspec.structs.replace(study.detectors[0], recipes={"scaled": recipe})
    study = msgspec.structs.replace(study, detectors=(detector,),
                                    runtime=Runtime(precision="bfloat16", distribution="mirrored", replicas=2))
    tried = trial_study(study, CELL, {"learning_rate": 0.5, "width": 0.2})
    changed = find_recipe(tried, tried.detectors[0])
    assert (changed.learning_rate, tried.detectors[0].width) == (0.5, 0.2)
    assert changed.tuning == Tuning(hold_out=30.0, every=7, patience=2, then="best")
    assert tried.runtime == Runtime(precision="bfloat16")


def test_settings_survive_a_file():
    for trial in trials_of(_study(), CELL):
        assert as_settings(json.loads(json.dumps(trial))) == trial
