"""A search on Ray Tune: which trials go on, and a whole one that is killed and taken up again."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from datasets.errors import InputError
from datasets.files import write_json
from detectors.runtime import start
from study.cluster import Resources
from study.config import DetectorConfig, Recipe, Runtime
from study.layout import StudyFolder
from study.matrix import Cell
from study.search import Search
from study.searched import ASHA, FAILED, LENGTH, PATIENCE, read_found
from study.trials import trials_of
from tests.small import make_study, write_config, write_dataset
from train import search as train_search
from train.search import Task, check_batches, search_cell, share_of

ROOT = Path(__file__).resolve().parents[2]
CELL = Cell(100.0, "paint", "tiny", searched=True)


def _study(root, space, **search):
    recipe = Recipe(batch_size=4, steps=20, warmup_steps=0, learning_rate=0.001, optimizer="adam")
    detector = DetectorConfig(name="tiny", width=0.1, input_size=64, stored_size=64, recipes={"scaled": recipe})
    settings = {"hold_out": 30.0, "every": 10, "patience": 0, "reduction": 2} | search
    return make_study(root, detectors=(detector,), checkpoint_every=10, search=Search(space=space, **settings))


@pytest.mark.parametrize(("nodes", "cpus", "each", "room"), [
    (((2, 0),), None, {"cpu": 2, "gpu": 0}, 1), (((2, 0),), 1, {"cpu": 1, "gpu": 0}, 2),
    (((16, 0), (6, 0)), None, {"cpu": 6, "gpu": 0}, 3), (((16, 4), (64, 0)), None, {"cpu": 4, "gpu": 1}, 4),
    (((16, 4), (8, 8)), None, {"cpu": 1, "gpu": 1}, 12), (((16, 4),), 8, {"cpu": 8, "gpu": 1}, 2),
])
def test_every_trial_gets_a_gpu_or_a_share_of_the_cpus(nodes, cpus, each, room):
    assert share_of(Resources(nodes), cpus) == (each, room)


def test_more_cpus_than_a_machine_has_are_refused():
    with pytest.raises(InputError, match="--cpus 8: no machine here has as many CPUs; the largest has 4"):
        share_of(Resources(((2, 0), (4, 0))), 8)


def _task(tmp_path, trials=6, **search):
    study = _study("/data", {"learning_rate": {"low": 0.001, "high": 0.1}}, trials=trials, **search)
    return Task(study, StudyFolder(tmp_path), CELL, trials_of(study, CELL), [20] * trials)


class Reporting:
    """A trial as Tune's schedulers see it."""

    def __init__(self, number):
        self.trial_id, self.config = str(number), {"trial": number}


def test_asha_stops_what_is_not_among_the_best_but_never_the_recipe_as_it_stands(tmp_path):
    scheduler = train_search._scheduler(_task(tmp_path))
    trials = [Reporting(number) for number in range(6)]
    decisions = []
    for trial, ap in zip([*trials[1:], trials[0]], (0.5, 0.1, 0.7, 0.6, 0.8, 0.0)):
        scheduler.on_trial_add(None, trial)
        decisions.append(scheduler.on_trial_result(None, trial, {"step": 10, "ap": ap}))
    assert decisions == ["CONTINUE", "STOP", "CONTINUE", "CONTINUE", "CONTINUE", "CONTINUE"]


def test_a_random_search_stops_none(tmp_path):
    scheduler = train_search._scheduler(_task(tmp_path, strategy="random"))
    for number, ap in enumerate((0.9, 0.8, 0.0)):
        scheduler.on_trial_add(None, Reporting(number))
        assert scheduler.on_trial_result(None, Reporting(number), {"step": 10, "ap": ap}) == "CONTINUE"


def _end(task, number, looks, failure="", trained=False):
    run = task.run.trial(number)
    write_json(run.tuning, {"images": 4, "looks": [{"step": step, "ap": ap} for step, ap in looks]})
    if trained:
        write_json(run.training, {})
    run.checkpoints.mkdir()
    for name in ("ckpt-20.index", "best-10.index", "checkpoint", "events"):
        (run.checkpoints / name).touch()
    train_search._note(task, number, failure, 1.25)


def test_what_is_found_says_how_every_trial_ended(tmp_path, capsys):
    task = _task(tmp_path)
    _end(task, 0, [(10, 0.3), (20, 0.4)], trained=True)
    _end(task, 1, [(10, 0.6), (20, 0.6)], trained=True)
    _end(task, 2, [(10, 0.5)], trained=True)
    _end(task, 3, [(10, 0.1)])
    _end(task, 4, [(10, 0.9)], failure="the loss is not finite")
    train_search._conclude(task, {5: "the node is gone"})
    found = read_found(task.run)
    assert [trial.ended for trial in found.trials] == [LENGTH, LENGTH, PATIENCE, ASHA, FAILED, FAILED]
    assert [trial.reason for trial in found.trials][4:] == ["the loss is not finite", "the node is gone"]
    assert (found.best.trial, found.best.step, found.best.steps, found.best.looks, found.images) == (1, 20, 20, 2, 4)
    kept = {number: {file.name for file in task.run.trial(number).checkpoints.iterdir()} for number in range(5)}
    assert len(kept.pop(1)) == 4 and all(names == {"events"} for names in kept.values())
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6 and "trial 4 of 6 (learning_rate " in lines[4] and lines[4].endswith("loss is not finite")


def test_a_search_whose_trials_all_fail_is_an_error_and_they_are_tried_again(tmp_path):
    task = _task(tmp_path, trials=2)
    for number in range(2):
        _end(task, number, [], failure="the loss is not finite")
    with pytest.raises(InputError, match="paint tiny 100 % .* searched: all 2 trials of the search failed, the first "
                                         "with: the loss is not finite"):
        train_search._conclude(task, {})
    assert not task.run.search.exists() and not any(task.run.trial(number).ended.exists() for number in range(2))


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ConnectionResetError("reset by peer"),
                                   RuntimeError("ResourceExhaustedError: x.index; No space left on device")])
def test_a_fault_that_passes_ends_the_search_and_marks_no_trial(tmp_path, error):
    task = _task(tmp_path, trials=2)
    with pytest.raises(InputError, match="trial 1: .*; mend that and give the same command again"):
        train_search._crashes(task, {0: RuntimeError("killed"), 1: error})
    assert train_search._crashes(task, {0: RuntimeError("a\nkilled")}) == {0: "killed"}
    assert not task.run.search.exists() and not task.run.trial(1).ended.exists()


def test_a_trial_whose_looks_are_damaged_is_not_followed(tmp_path, capsys):
    task = _task(tmp_path, trials=2)
    _end(task, 0, [(10, 0.3), (20, 0.4)], trained=True)
    _end(task, 1, [(10, 0.6), (20, 0.6)], trained=True)
    task.run.trial(1).tuning.write_text('{"looks": [{"st')
    assert train_search._read_trial(task, 1).ap is None and "tuning.json: damaged" in capsys.readouterr().err
    train_search._conclude(task, {})
    assert read_found(task.run).best.trial == 0


@pytest.mark.parametrize(("runtime", "then", "nodes", "refused"), [
    (Runtime(), "whole", ((8, 4),), False), (Runtime(distribution="mirrored"), "whole", ((8, 4),), True),
    (Runtime(distribution="mirrored"), "best", ((8, 4),), True),
    (Runtime(distribution="mirrored"), "whole", ((8, 2), (8, 0)), False),
    (Runtime(distribution="mirrored"), "whole", ((8, 0),), False),
    (Runtime(distribution="mirrored", replicas=4), "whole", ((8, 0),), True),
])
def test_a_batch_that_replicas_cannot_share_is_refused_before_any_trial(runtime, then, nodes, refused):
    study = msgspec.structs.replace(_study("/data", {"batch_size": [4, 6]}, trials=2, then=then), runtime=runtime)
    trials = trials_of(study, CELL)
    task = Task(study, StudyFolder(Path("/studies")), CELL, trials, [20, 20])
    assert [trial["batch_size"] for trial in trials] == [4, 6]
    if refused:
        with pytest.raises(InputError, match="trial 1: a batch of 6 images cannot be shared evenly by 4 replicas"):
            check_batches(task, Resources(nodes))
    else:
        check_batches(task, Resources(nodes))


def test_without_ray_it_is_said_what_to_install(prepared, monkeypatch):
    study, folder = prepared(trials=2)
    monkeypatch.setattr(train_search, "has_ray", lambda: False)
    with pytest.raises(InputError, match="needs Ray Tune, which is not installed; install requirements.txt"):
        search_cell(study, folder, CELL)


@pytest.fixture
def prepared(tmp_path):
    """Make a study whose records are written and whose validation images are gone, and its folder."""
    def prepare_study(space=None, **search):
        start()
        from records.prepare import prepare

        root = write_dataset(tmp_path / "data")
        study = _study(root, space or {"learning_rate": [0.001, 0.002]}, **search)
        folder = StudyFolder(tmp_path / "studies")
        prepare(study, folder, study.datasets[0])
        shutil.rmtree(root / "val")
        (root / "annotations/instances_val.json").unlink()
        shutil.rmtree(folder.validation_records("paint", 64))
        return study, folder

    return prepare_study


PROGRAM = """
import sys
from study.load import load_study
from study.layout import StudyFolder
from study.matrix import Cell
from train.search import search_cell
search_cell(load_study(sys.argv[1]), StudyFolder(__import__("pathlib").Path(sys.argv[2])),
            Cell(100.0, "paint", "tiny", searched=True), cpus=1)
assert "tensorflow" not in sys.modules
"""


@pytest.mark.slow
def test_a_search_killed_goes_on_and_its_best_trial_is_followed_without_any_validation_image(tmp_path, prepared):
    """Trial 1 diverges: its rate is too high for any network."""
    space = {"learning_rate": [1e9, 0.003], "width": [0.1, 0.15]}
    study, folder = prepared(space, trials=3, seed=3)
    assert trials_of(study, CELL)[1]["learning_rate"] == 1e9 and trials_of(study, CELL)[2]["learning_rate"] == 0.003
    command = [sys.executable, "-c", PROGRAM, str(write_config(tmp_path / "study.yaml", study)), str(folder.root)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    run = folder.run(CELL)
    until = time.monotonic() + 300
    while not run.trial(0).tuning.exists():
        assert process.poll() is None and time.monotonic() < until, process.stderr.read()
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    first = json.loads(run.trial(0).tuning.read_text())["looks"]
    assert first and not run.search.exists()

    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert again.returncode == 0, again.stderr
    assert again.stdout == "" and all(line.startswith(str(CELL)) for line in again.stderr.splitlines())
    found = read_found(run)
    assert json.loads(run.trial(0).tuning.read_text())["looks"][:len(first)] == first
    assert json.loads(run.trial(0).training.read_text())["resumed_at"] >= first[-1]["step"]
    assert [trial.ended for trial in found.trials][:2] == [LENGTH, FAILED]
    assert "not finite" in found.trials[1].reason and found.trials[2].ended in (LENGTH, ASHA)
    stamp = run.search.stat().st_mtime_ns
    search_cell(study, folder, CELL)
    assert run.search.stat().st_mtime_ns == stamp
    _follow(study, folder, found)


def _follow(study, folder, found):
    """Train the searched cell, with the whole subset and with the best trial's weights, which `found` tells."""
    from evaluate.run import load_detector
    from study.searched import chosen_study
    from train.run import train_cell

    training = train_cell(study, folder, CELL, "on a test")
    assert (training.chosen, training.steps, training.checkpoint) == ("whole", found.best.step,
                                                                      f"ckpt-{found.best.step}")
    assert training.tuning_images == found.images > 0
    assert training.tuning_steps == sum(trial.steps for trial in found.trials)
    chosen = chosen_study(study, folder, CELL)
    load_detector(chosen, chosen.detectors[0], 3, folder.run(CELL), training.checkpoint)
    with pytest.raises(InputError, match="search.trials: 3 then, 4 now"):
        train_cell(_with(study, trials=4), folder, CELL, "on a test")

    other = StudyFolder(folder.root.with_name("other"))
    shutil.copytree(folder.root, other.root)
    run = other.run(CELL)
    shutil.rmtree(run.checkpoints)
    for path in (run.params, run.training, run.spent):
        path.unlink()
    training = train_cell(_with(study, then="best"), other, CELL, "on a test")
    assert (training.chosen, training.steps, training.checkpoint) == ("best", found.best.step,
                                                                      f"best-{found.best.step}")
    assert training.seconds > 0 and training.tuning_images == found.images
    name = f"{training.checkpoint}.data-00000-of-00001"
    assert (run.checkpoints / name).read_bytes() == (
        run.trial(found.best.trial).checkpoints / name).read_bytes()


def _with(study, **search):
    return msgspec.structs.replace(study, search=msgspec.structs.replace(study.search, **search))
