import json

import pytest

from detectors import runtime

runtime.start()

import tensorflow as tf  # noqa: E402

from datasets.errors import InputError  # noqa: E402
from records.prepare import prepare  # noqa: E402
from study.config import DetectorConfig, Recipe  # noqa: E402
from study.layout import StudyFolder  # noqa: E402
from study.matrix import Cell  # noqa: E402
from tests.small import make_study, write_dataset  # noqa: E402
from train.run import last_step, train_cell  # noqa: E402

CELL = Cell(50.0, "paint", "tiny")


def _study(root, steps):
    recipe = Recipe(batch_size=4, steps=steps, warmup_steps=0, learning_rate=0.001)
    detector = DetectorConfig(name="tiny", width=0.1, input_size=64, stored_size=64, recipes={"scaled": recipe})
    return make_study(root, detectors=(detector,), checkpoint_every=20)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A trained cell: study, folder and what train_cell returned."""
    root = tmp_path_factory.mktemp("paint")
    study = _study(write_dataset(root / "data"), steps=30)
    folder = StudyFolder(root / "studies")
    prepare(study, folder, study.datasets[0])
    return study, folder, train_cell(study, folder, CELL, "on a test")


def test_a_training_leaves_its_parameters_its_checkpoint_and_its_summary(trained):
    _, folder, training = trained
    run = folder.run(CELL)
    assert json.loads(run.training.read_text()) == training.__dict__
    assert (training.images, training.steps, training.checkpoint) == (10, 30, "ckpt-30")
    assert training.seconds > 0 and training.loss > 0 and training.images_per_second > 0
    assert run.params.exists() and last_step(run) == 30
    assert list(run.checkpoints.glob("train/events*"))


def test_a_finished_training_is_left_alone(trained):
    study, folder, training = trained
    stamp = folder.run(CELL).training.stat().st_mtime_ns
    assert train_cell(study, folder, CELL, "elsewhere") == training
    assert folder.run(CELL).training.stat().st_mtime_ns == stamp


def test_the_weights_have_moved(trained):
    _, folder, _ = trained
    checkpoints = folder.run(CELL).checkpoints
    first, last = (tf.train.load_checkpoint(str(checkpoints / f"ckpt-{step}")) for step in (20, 30))
    names = [n for n in first.get_variable_to_shape_map() if n.startswith("model/") and "kernel/.ATTRIBUTES" in n]
    assert len(names) > 20
    moved = [bool((first.get_tensor(n) != last.get_tensor(n)).any()) for n in names]
    assert sum(moved) > 0.9 * len(moved)


def test_another_recipe_is_refused_and_nothing_is_touched(trained):
    study, folder, _ = trained
    before = folder.run(CELL).training.read_text()
    with pytest.raises(InputError, match=r"recipe.steps: 30 then, 40 now"):
        train_cell(_study(study.datasets[0].root, steps=40), folder, CELL, "on a test")
    assert folder.run(CELL).training.read_text() == before


def test_a_subset_that_was_not_cut_is_an_error(trained, tmp_path):
    study, _, _ = trained
    with pytest.raises(InputError, match="subsets are not cut yet"):
        train_cell(study, StudyFolder(tmp_path), CELL, "on a test")
