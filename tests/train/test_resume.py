import os
import shutil
from pathlib import Path

import pytest

from detectors import runtime

runtime.start("testing")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from datasets.files import write_json  # noqa: E402
from study.config import Tuning  # noqa: E402
from train.resume import STATE, is_whole, last_step, resume  # noqa: E402
from train.tuning import Looks  # noqa: E402


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Checkpoints of the steps 20 and 40, as the trainer leaves them."""
    folder, step = tmp_path_factory.mktemp("saved"), tf.Variable(0)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(step=step, weights=tf.Variable(tf.ones([1000]))),
                                         str(folder), max_to_keep=2, step_counter=step, checkpoint_interval=20)
    for step_now in (20, 40):
        step.assign(step_now)
        manager.save(checkpoint_number=step_now)
    return folder


@pytest.fixture
def checkpoints(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "checkpoints"))


def cut(path, share=0.5):
    os.truncate(path, int(path.stat().st_size * share))


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "data cut off": lambda folder, name: cut(folder / f"{name}.data-00000-of-00001"),
    "data empty": lambda folder, name: cut(folder / f"{name}.data-00000-of-00001", 0),
    "data gone": lambda folder, name: (folder / f"{name}.data-00000-of-00001").unlink(),
    "a bit of the data": lambda folder, name: flip(folder / f"{name}.data-00000-of-00001"),
    "index cut off": lambda folder, name: cut(folder / f"{name}.index"),
    "index empty": lambda folder, name: cut(folder / f"{name}.index", 0),
    "index gone": lambda folder, name: (folder / f"{name}.index").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(checkpoints, capsys, damage):
    assert is_whole(checkpoints / "ckpt-40")
    DAMAGES[damage](checkpoints, "ckpt-40")
    assert not is_whole(checkpoints / "ckpt-40") and last_step(checkpoints) == 20
    assert resume(checkpoints, "this run") == 20
    assert capsys.readouterr().err == (f"this run: {checkpoints}/ckpt-40 is not whole, or its looks are lost; going on "
                                       "from step 20\n")
    assert not list(checkpoints.glob("ckpt-40*"))
    assert tf.train.latest_checkpoint(str(checkpoints)) == str(checkpoints / "ckpt-20")


@pytest.mark.parametrize("damage", DAMAGES)
def test_without_a_whole_checkpoint_training_begins_anew(checkpoints, capsys, damage):
    for name in ("ckpt-20", "ckpt-40"):
        DAMAGES[damage](checkpoints, name)
    assert resume(checkpoints, "this run") == 0
    assert "ckpt-40 is not whole, or its looks are lost; training anew\n" in capsys.readouterr().err
    assert not list(checkpoints.iterdir())


@pytest.mark.parametrize("content", ["", "not a list", 'model_checkpoint_path: "ckpt-60"\n', None,
                                     'model_checkpoint_path: "ckpt-20"\n'])
def test_a_damaged_list_of_checkpoints_is_written_anew(checkpoints, capsys, content):
    (checkpoints / STATE).unlink()
    if content is not None:
        (checkpoints / STATE).write_text(content)
    assert resume(checkpoints, "this run") == 40 and not capsys.readouterr().err
    assert tf.train.latest_checkpoint(str(checkpoints)) == str(checkpoints / "ckpt-40")


def test_what_a_killed_process_has_left_is_removed(checkpoints, capsys):
    (checkpoints / "ckpt-60_temp").mkdir()
    (checkpoints / "best-60_temp").mkdir()
    (checkpoints / "best-20.index").touch()
    assert resume(checkpoints, "this run") == 40 and "ckpt-60" in capsys.readouterr().err
    assert {path.name.partition(".")[0] for path in checkpoints.iterdir()} == {STATE, "ckpt-20", "ckpt-40", "best-20"}


@pytest.mark.parametrize("ahead", [0, 10**9])
def test_the_manager_removes_old_checkpoints_whatever_the_clock_said(checkpoints, ahead):
    state = tf.train.get_checkpoint_state(str(checkpoints))
    state.last_preserved_timestamp += ahead
    (checkpoints / STATE).write_text(str(state))
    resume(checkpoints, "this run")
    step = tf.Variable(60)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(step=step), str(checkpoints), max_to_keep=2,
                                         step_counter=step, checkpoint_interval=20)
    manager.save(checkpoint_number=60)
    assert sorted(path.stem for path in checkpoints.glob("ckpt-*.index")) == ["ckpt-40", "ckpt-60"]


RULE = Tuning(hold_out=30.0, every=20, patience=0)


def looked(folder, steps, best=20):
    """Return the looks of a training at `steps`, which found `best` the best, and leave its weights."""
    path = folder.parent / "tuning.json"
    write_json(path, {"images": 6, "finished": False,
                      "looks": [{"step": step, "ap": 0.5 if step == best else 0.25} for step in steps]})
    tf.train.Checkpoint(weights=tf.Variable(np.ones(9))).write(str(folder / f"best-{best}"))
    return Looks(path, RULE)


@pytest.mark.parametrize(("steps", "best", "damaged", "step", "left"), [
    ([20, 40], 20, None, 40, [20, 40]), ([20], 20, None, 40, [20]),  # killed before the look at 40 was noted
    ([20, 40], 20, "best-20", 20, []), ([20, 40], 40, "best-40", 40, [20]),
    ([20, 40], 40, "ckpt-40", 20, [20]),
    ([], 20, None, 20, []),  # the looks are lost
])
def test_looks_go_back_with_the_weights_that_are_lost(checkpoints, steps, best, damaged, step, left):
    looks = looked(checkpoints, steps, best)
    if damaged:
        DAMAGES["data cut off"](checkpoints, damaged)
    assert resume(checkpoints, "this run", looks) == step
    looks.forget_after(step)  # as the training does
    assert [look.step for look in looks.looks] == left


def test_a_damaged_file_of_looks_counts_as_none(checkpoints, capsys):
    path = looked(checkpoints, [20, 40]).path
    cut(path)
    looks = Looks(path, RULE)
    assert not looks.looks and not looks.finished
    assert "tuning.json: damaged" in (err := capsys.readouterr().err) and "taken anew" in err
