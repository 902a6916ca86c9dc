import json

import msgspec
import pytest
import tensorflow as tf

from datasets.errors import InputError, command
from detectors.checkpoints.checkpoint import save
from detectors.detector import build
from records.prepare import prepare
from study.config import Recipe
from study.layout import StudyFolder
from study.provenance import origin
from tests.full_disk import full_disk
from tests.small import COLOURS, write_dataset
from tests.train.cells import CELL, RULE, events, prepared, study_of
from train import run as train_run
from train.resume import last_step
from train.run import check_checkpoint, train_cell


def test_a_training_leaves_its_parameters_its_checkpoint_and_its_summary(trained):
    _, folder, training = trained
    run = folder.run(CELL)
    assert json.loads(run.training.read_text()) == training.__dict__
    assert (training.images, training.steps, training.checkpoint) == (10, 30, "ckpt-30")
    assert training.seconds > 0 and training.loss > 0 and training.images_per_second > 0
    assert run.params.exists() and last_step(run.checkpoints) == 30
    shown = events(run.checkpoints / "train")
    assert sorted(shown["training_loss"]) == sorted(shown["learning_rate"]) == [20, 30]
    assert shown["training_loss"][30] == pytest.approx(training.loss)


def test_a_training_says_what_it_took_and_where_it_was_made(trained):
    _, folder, training = trained
    assert (training.timed_steps, training.processes, training.resumed_at) == (30, 1, 0)
    assert training.images_per_second == pytest.approx(30 * 4 / training.seconds, rel=0.01)
    assert training.trained_by == [origin("on a test")] and training.started <= training.ended
    assert training.joules is None or training.joules > 0
    spent = json.loads(folder.run(CELL).spent.read_text())
    assert spent["steps"] == 30 and spent["seconds"] == pytest.approx(training.seconds, abs=0.01)


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
        train_cell(study_of(study.datasets[0].root, steps=40), folder, CELL, "on a test")
    assert folder.run(CELL).training.read_text() == before


def test_a_subset_that_was_not_cut_is_an_error(trained, tmp_path):
    study, _, _ = trained
    with pytest.raises(InputError, match="subsets are not cut yet"):
        train_cell(study, StudyFolder(tmp_path), CELL, "on a test")


@pytest.mark.parametrize("settings", [{}, {"tuning": RULE}])
def test_a_subset_without_boxes_is_an_error(tmp_path, settings):
    root = write_dataset(tmp_path / "data")
    path = root / "annotations/instances_train.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"annotations": []}))
    study, folder = study_of(root, 30, **settings), StudyFolder(tmp_path / "studies")
    prepare(study, folder, study.datasets[0])
    with pytest.raises(InputError, match="its 10 images hold no box to learn from; take a larger fraction"):
        train_cell(study, folder, CELL, "on a test")
    assert not folder.run(CELL).params.exists()


def test_a_batch_that_the_replicas_cannot_share_is_an_error(tmp_path, monkeypatch):
    class Strategy:
        num_replicas_in_sync = 3

    study, folder = prepared(tmp_path, steps=30)
    monkeypatch.setattr(train_run, "prepare", lambda runtime: Strategy())
    with pytest.raises(InputError, match="a batch of 4 images cannot be shared evenly by 3 replicas"):
        train_cell(study, folder, CELL, "on a test")


def test_a_checkpoint_is_tried_before_anything_is_trained(tmp_path):
    detector = study_of(tmp_path, 30).detectors[0]
    save(build("ssd_mobilenet_v2", 4, input_size=64, width=0.1), tmp_path / "model.ckpt")
    fitting = msgspec.structs.replace(detector, checkpoint=str(tmp_path))
    for usable in (fitting, detector):
        check_checkpoint(usable, Recipe(), tuple(COLOURS))
    with pytest.raises(InputError, match="has 4 classes, whose labels are not known"):
        check_checkpoint(fitting, Recipe(restore="labels"), tuple(COLOURS))
    with pytest.raises(InputError, match="of another width"):
        check_checkpoint(msgspec.structs.replace(fitting, width=0.2), Recipe(), tuple(COLOURS))


@pytest.mark.slow
def test_a_full_disk_stops_a_training_in_one_line_and_it_goes_on(tmp_path, capsys):
    study, folder = prepared(tmp_path, steps=20)
    with full_disk(1_000_000):  # less than a checkpoint
        assert command(lambda: train_cell(study, folder, CELL, "on a test"))() == 2
    assert capsys.readouterr().err.endswith("error: File too large; make room and give the same command again\n")
    run = folder.run(CELL)
    assert not run.training.exists() and train_cell(study, folder, CELL, "on a test").steps == 20
    assert not list(run.checkpoints.glob("*_temp"))
