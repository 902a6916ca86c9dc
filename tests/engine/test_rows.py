import shlex
from dataclasses import replace

import msgspec
import pytest

from datasets.errors import InputError
from datasets.files import write_json, write_text
from engine.rows import SCRIPT, Row, plain, rows_of, spell_left, state_of, time_on
from study.config import Tuning, find_recipe
from study.layout import StudyFolder
from study.lock import hold
from study.matrix import Cell, cells
from study.search import Search
from tests.engine.planned import CPU, large_study
from tests.small import finish, make_study, write_dataset

CELL = Cell(10.0, "paint", "tiny")


@pytest.fixture
def folder(tmp_path):
    return StudyFolder(tmp_path / "study")


def _row(seconds, trials=0, **more):
    return Row(CELL, 10, 20, trials, seconds, **{"state": "waiting"} | more)


def _checkpoint(folder, step):
    folder.mkdir(parents=True)
    (folder / "checkpoint").write_text(f'model_checkpoint_path: "ckpt-{step}"\nall_model_checkpoint_paths: "ckpt-9"\n')


def test_two_hundred_cells_follow_from_the_configuration_alone(tmp_path, folder):
    study = large_study(tmp_path)
    rows = rows_of(study, folder, cells(study), {"small": CPU})
    assert len(rows) == 200 and not any(tmp_path.iterdir())  # no data were made for it, and nothing else
    assert [(row.images, row.steps) for row in rows if row.cell == replace(row.cell, dataset="one", draw=0)
            and row.cell.detector == "small"] == [
        (25, 500), (62, 500), (125, 500), (250, 500), (375, 500), (500, 500), (750, 750), (1250, 1250), (1875, 1875),
        (2500, 2500)]
    assert {row.seconds for row in rows if row.cell.detector == "big"} == {None}
    assert rows[-1].cell.detector == "small" and rows[-1].seconds == pytest.approx(10 + 2500 * 0.5 + 5 + 600 * 0.1)


def test_a_state_is_told_from_files_and_locks(tmp_path, folder):
    study = make_study(write_dataset(tmp_path / "data"))
    done, running, failed, waiting = (replace(CELL, seed=seed) for seed in range(4))
    finish(study, folder, done, {}).detections.write_text("[]")
    for cell in (done, running, failed):
        write_json(folder.run(cell).failure, {"error": "of an earlier try", "tries": 2})
    with hold(folder.run(running).lock, "train"):
        assert [state_of(study, folder, cell) for cell in (done, running, failed, waiting)] == [
            "done", "running", "failed", "waiting"]
        rows = rows_of(study, folder, [done, running, failed, waiting], {"tiny": CPU})
    assert [row.left == 0 for row in rows] == [True, False, False, False]
    assert rows[1].owner.startswith("pid ") and not rows[1].error
    assert (rows[2].error, rows[2].tries, rows[2].owner) == ("of an earlier try", 2, "")
    assert state_of(study, folder, running) == "failed"


@pytest.mark.parametrize(("tuning", "folders", "progress", "trained"), [
    (None, {}, 0, 0), (None, {"checkpoints": 125}, 0.25, 125),
    (Tuning(), {"checkpoints": 125}, 0.25, 125), (Tuning(then="whole"), {"tuning": 250}, 0.25, 250),
    (Tuning(then="whole"), {"tuning": 500, "checkpoints": 100}, 0.6, 100),
])
def test_progress_is_what_the_last_checkpoint_has(tmp_path, folder, tuning, folders, progress, trained):
    study = make_study(write_dataset(tmp_path / "data"))  # of 500 steps
    detector = study.detectors[0]
    recipe = msgspec.structs.replace(find_recipe(study, detector), tuning=tuning)
    study = msgspec.structs.replace(study, detectors=(msgspec.structs.replace(detector, recipes={"scaled": recipe}),))
    for name, step in folders.items():
        _checkpoint(folder.run(CELL).root / name, step)
    row, = rows_of(study, folder, [CELL], {"tiny": CPU})
    assert (row.progress, row.trained, row.state) == (pytest.approx(progress), trained, "waiting")
    assert row.left == pytest.approx((1 - progress) * row.seconds)


@pytest.mark.parametrize("content", ["[]", '{"error": "div', "", "3"])
def test_a_damaged_failure_is_one_without_a_reason(tmp_path, folder, content):
    study = make_study(write_dataset(tmp_path / "data"))
    write_text(folder.run(CELL).failure, content)
    row, = rows_of(study, folder, [CELL], {})
    assert (row.state, row.error, row.tries) == ("failed", "", 0)


def test_a_row_tells_the_command_and_the_result(tmp_path, folder):
    study = make_study(write_dataset(tmp_path / "data"))
    row, = plain(rows_of(study, folder, [CELL], {}))
    assert shlex.split(row["command"]) == [str(SCRIPT), str(folder.config), "--studies", str(tmp_path), "paint", "tiny",
                                           "10", "0", "0", "--wait", "--evaluate"]
    assert row["result"] == str(folder.run(CELL).result)


def test_a_search_goes_on_by_its_trials(tmp_path, folder):
    study = make_study(write_dataset(tmp_path / "data"), search=Search(space={"learning_rate": [0.1, 0.2]}, trials=3))
    cell = replace(CELL, searched=True)
    run = folder.run(cell)
    assert rows_of(study, folder, [cell], {})[0].progress == 0
    write_json(run.trial(0).ended, {})
    _checkpoint(run.trial(1).checkpoints, 250)
    row, = rows_of(study, folder, [cell], {"tiny": CPU})
    assert row.trials == 3 and row.progress == pytest.approx(1 / 4)
    write_json(run.search, {})  # after which a trial that was stopped early has left nothing more
    assert rows_of(study, folder, [cell], {})[0].progress == pytest.approx(3 / 4)


@pytest.mark.parametrize(("rows", "workers", "seconds"), [
    ([], 3, 0), ([_row(3), _row(2), _row(1)], 1, 6), ([_row(1), _row(2), _row(3)], 2, 4),
    ([_row(3), _row(2), _row(1)], 2, 3), ([_row(4, progress=0.5), _row(9, state="done")], 1, 2),
    ([_row(8, trials=3)], 4, 2), ([_row(8, trials=3)], 2, 4), ([_row(None), _row(2)], 1, 2),
])
def test_the_first_worker_free_takes_the_next_run(rows, workers, seconds):
    assert time_on(rows, workers) == seconds


@pytest.mark.parametrize(("rows", "text"), [
    ([_row(120), _row(60)], "2 min"), ([_row(60, trials=1)], "at most 1 min"),
    ([_row(60, trials=1, state="done"), _row(60)], "1 min"),
    ([_row(60), _row(None)], "1 min and 1 run of unknown length"),
])
def test_what_is_left_says_how_sure_it_is(rows, text):
    assert spell_left(rows, 2) == text


def test_rows_are_plain_for_programs():
    assert plain([_row(4, progress=0.5)]) == [{
        "fraction": 10.0, "dataset": "paint", "detector": "tiny", "draw": 0, "seed": 0, "searched": False, "images": 10,
        "steps": 20, "trials": 0, "seconds": 4, "left": 2, "state": "waiting", "trained": 0, "progress": 0.5,
        "owner": "", "error": "", "tries": 0, "log": "", "command": "", "result": ""}]


@pytest.mark.parametrize(("change", "fragment"), [
    ({"root": "/nowhere/at/all"}, "/nowhere/at/all/annotations/instances_train.json"),
    ({"hold_out": 99.9}, "holding out 99.9 %"),
])
def test_data_that_are_not_at_hand_are_named(tmp_path, folder, change, fragment):
    study = make_study(write_dataset(tmp_path / "data"))
    study = msgspec.structs.replace(study, datasets=(msgspec.structs.replace(study.datasets[0], **change),))
    with pytest.raises(InputError, match=fragment):
        rows_of(study, folder, cells(study), {})
