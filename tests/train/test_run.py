import json
import math
import shutil

import pytest

from detectors import runtime

runtime.start()

import msgspec  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from datasets.errors import InputError, command  # noqa: E402
from detectors.checkpoints.checkpoint import save  # noqa: E402
from detectors.detector import build  # noqa: E402
from evaluate.run import load_detector  # noqa: E402
from records.manifest import Corrupt  # noqa: E402
from records.prepare import prepare  # noqa: E402
from study.config import DetectorConfig, Recipe, Tuning  # noqa: E402
from study.data import read_subset  # noqa: E402
from study.layout import StudyFolder  # noqa: E402
from study.matrix import Cell  # noqa: E402
from study.provenance import origin  # noqa: E402
from tests.full_disk import full_disk  # noqa: E402
from tests.small import COLOURS, make_study, write_dataset  # noqa: E402
from train import run as train_run  # noqa: E402
from train.loop import Pass  # noqa: E402
from train.resume import last_step  # noqa: E402
from train.run import check_checkpoint, train_cell  # noqa: E402
from train.task import DetectionTask  # noqa: E402
from train.tuning import Looks, cut  # noqa: E402

CELL = Cell(50.0, "paint", "tiny")


def _study(root, steps, **settings):
    recipe = Recipe(batch_size=4, steps=steps, warmup_steps=0, learning_rate=0.001, **settings)
    detector = DetectorConfig(name="tiny", width=0.1, input_size=64, stored_size=64, recipes={"scaled": recipe})
    return make_study(root, detectors=(detector,), checkpoint_every=20)


END = "/.ATTRIBUTES/VARIABLE_VALUE"


def _events(folder):
    """Return the values in TensorBoard's events by tag and step."""
    shown = {}
    for file in sorted(folder.iterdir()):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                shown.setdefault(value.tag, {})[event.step] = float(tf.make_ndarray(value.tensor))
    return shown


def _weights(checkpoint, slot=None):
    """Return the model's variables in a checkpoint by name, or what the optimiser's `slot` holds of them."""
    reader = tf.train.load_checkpoint(str(checkpoint))
    end = f"/.OPTIMIZER_SLOT/optimizer/{slot}{END}" if slot else END
    names = [n for n in reader.get_variable_to_shape_map() if n.startswith("model/") and n.endswith(end)]
    return {n.removesuffix(end): reader.get_tensor(n) for n in names if slot or ".OPTIMIZER_SLOT" not in n}


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
    assert run.params.exists() and last_step(run.checkpoints) == 30
    shown = _events(run.checkpoints / "train")
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
        train_cell(_study(study.datasets[0].root, steps=40), folder, CELL, "on a test")
    assert folder.run(CELL).training.read_text() == before


def test_a_subset_that_was_not_cut_is_an_error(trained, tmp_path):
    study, _, _ = trained
    with pytest.raises(InputError, match="subsets are not cut yet"):
        train_cell(study, StudyFolder(tmp_path), CELL, "on a test")


def _prepared(root, **settings):
    """Return a study of 20 images whose records are written and whose validation images are gone, and its folder."""
    study, folder = _study(write_dataset(root / "data"), **settings), StudyFolder(root / "studies")
    prepare(study, folder, study.datasets[0])
    shutil.rmtree(root / "data/val")
    (root / "data/annotations/instances_val.json").unlink()
    shutil.rmtree(folder.validation_records("paint", 64))
    return study, folder


WHOLE = Cell(100.0, "paint", "tiny")
RULE = Tuning(hold_out=30.0, every=10, patience=0)
AVERAGED = {"steps": 25, "moving_average": 0.9, "tuning": RULE}


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A training with a tuning split and a moving average, in one go."""
    study, folder = _prepared(tmp_path_factory.mktemp("tuned"), **AVERAGED)
    return study, folder, train_cell(study, folder, WHOLE, "on a test")


def test_a_tuning_split_chooses_the_weights_without_any_validation_image(tuned):
    study, folder, training = tuned
    run = folder.run(WHOLE)
    looks = Looks(run.tuning, RULE)
    assert [look.step for look in looks.looks] == [10, 20, 25] and looks.finished
    assert (training.chosen, training.steps, training.tuning_steps) == ("best", looks.best.step, 25)
    assert training.checkpoint == f"best-{looks.best.step}" and training.images == 20
    shown = _events(run.checkpoints / "train")["tuning_AP"]
    assert shown == pytest.approx({look.step: look.ap for look in looks.looks})
    assert training.tuning_images == cut(read_subset(folder, study.datasets[0], WHOLE), RULE, "").num_images > 0
    assert {p.stem for p in run.checkpoints.glob("best-*")} == {training.checkpoint}
    detector = load_detector(study, study.detectors[0], 3, run, training.checkpoint)
    assert {v.numpy().tobytes() for v in detector.model.variables} == {
        v.tobytes() for v in _weights(run.checkpoints / training.checkpoint).values()}


def test_the_moving_average_is_evaluated_with_batch_statistics_as_they_are(tuned):
    _, folder, training = tuned
    checkpoints = folder.run(WHOLE).checkpoints
    evaluated, last = _weights(checkpoints / training.checkpoint), _weights(checkpoints / f"ckpt-{training.steps}")
    averages = _weights(checkpoints / f"ckpt-{training.steps}", "average")
    assert evaluated.keys() == last.keys() > averages.keys() and len(averages) > 100
    assert all((evaluated[name] == (last | averages)[name]).all() for name in evaluated)
    assert np.mean([(last[name] == average).all() for name, average in averages.items()]) < 0.1


@pytest.mark.slow
def test_a_training_killed_at_a_look_ends_as_if_it_had_not_been(tuned, tmp_path, monkeypatch):
    _, uninterrupted, expected = tuned
    study, folder = _prepared(tmp_path, **AVERAGED)
    add = Looks.add

    def killed(looks, look):
        if look.step == 20:
            raise KeyboardInterrupt
        add(looks, look)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Looks, "add", killed)
        train_cell(study, folder, WHOLE, "on a test")
    run = folder.run(WHOLE)
    assert last_step(run.checkpoints) == 20 and len(Looks(run.tuning, RULE).looks) == 1
    training = train_cell(study, folder, WHOLE, "on a test")
    assert training.resumed_at == 20 and training.checkpoint == expected.checkpoint
    assert (training.timed_steps, training.processes) == (25, 2) and training.seconds > 0
    assert run.tuning.read_text() == uninterrupted.run(WHOLE).tuning.read_text()
    other = _weights(uninterrupted.run(WHOLE).checkpoints / training.checkpoint)
    for name, values in _weights(run.checkpoints / training.checkpoint).items():
        np.testing.assert_allclose(values, other[name], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_the_whole_subset_is_trained_on_for_as_many_steps_as_were_best(tmp_path, monkeypatch):
    rule = Tuning(hold_out=30.0, every=10, patience=1, then="whole")
    study, folder = _prepared(tmp_path, steps=40, tuning=rule)
    aps = iter([0.1, 0.3, 0.2])
    monkeypatch.setattr(train_run, "judge_of", lambda *_, **__: lambda: next(aps))
    train, passes = train_run.train, []

    def counted(params, *arguments):
        passes.append((params.trainer.train_steps, len(params.task.train_data.leave_out)))
        if len(passes) == 2:
            raise KeyboardInterrupt
        return train(params, *arguments)

    monkeypatch.setattr(train_run, "train", counted)
    with pytest.raises(KeyboardInterrupt):
        train_cell(study, folder, WHOLE, "on a test")
    training = train_cell(study, folder, WHOLE, "on a test")
    held = training.tuning_images
    assert passes == [(40, held), (20, 0), (20, 0)] and held > 0
    assert (training.chosen, training.steps, training.tuning_steps, training.checkpoint) == ("whole", 20, 30, "ckpt-20")
    run = folder.run(WHOLE)
    assert last_step(run.tuning_checkpoints) == 30 and last_step(run.checkpoints) == 20


def test_a_diverged_loss_names_its_step_and_leaves_the_last_good_checkpoint(tmp_path, monkeypatch):
    study, folder = _prepared(tmp_path, steps=60)
    losses = DetectionTask.build_losses

    def diverging(task, *arguments, **settings):
        step = tf.summary.experimental.get_step()
        return losses(task, *arguments, **settings) * tf.where(tf.equal(step, 25), math.nan, 1.0)

    monkeypatch.setattr(DetectionTask, "build_losses", diverging)
    with pytest.raises(InputError, match="paint tiny 50 % .*: the loss is not finite at step 26; .* kept, .*ckpt-20"):
        train_cell(study, folder, CELL, "on a test")
    run = folder.run(CELL)
    assert last_step(run.checkpoints) == 20 and not run.training.exists()
    assert all(np.isfinite(values).all() for values in _weights(run.checkpoints / "ckpt-20").values())


class Failing:
    """A training in whose midst images turn out to be damaged, as often as `findings` has lists of their numbers."""

    def __init__(self, monkeypatch, findings):
        self.findings, self.corrupt, self.left_out = list(findings), [], []
        for name in ("train", "rescan", "corrupt_of"):
            monkeypatch.setattr(train_run, name, getattr(self, name))

    def train(self, params, *_):
        self.left_out.append(list(params.task.train_data.leave_out))
        if self.findings:
            raise tf.errors.InvalidArgumentError(None, None, "Invalid JPEG data\nat node X")
        return Pass("ckpt-30", 30, 30, 0, 1.0, 0.5)

    def rescan(self, *_):
        found = [Corrupt(id_, id_, f"{id_}.jpg", "cut off") for id_ in self.findings.pop(0)]
        self.corrupt += found
        return found

    def corrupt_of(self, *_):
        return list(self.corrupt)


def _lenient(study, max_corrupt):
    return msgspec.structs.replace(
        study, datasets=(msgspec.structs.replace(study.datasets[0], max_corrupt=max_corrupt),))


def test_damaged_images_are_left_out_and_the_training_goes_on(tmp_path, monkeypatch, capsys):
    study, folder = _prepared(tmp_path, steps=30)
    failing = Failing(monkeypatch, [[3], [5, 9]])
    training = train_cell(_lenient(study, 15.0), folder, WHOLE, "on a test")
    assert failing.left_out == [[], [3], [3, 5, 9]] and training.skipped == 3
    assert "as they cannot be decoded: 2 (5.jpg: cut off; 9.jpg: cut off); going on" in capsys.readouterr().err


@pytest.mark.parametrize(("findings", "message"), [
    ([[3], [5, 9]], r"100 % .*: 3 \(3.jpg: cut off; .*\) of the first 20 .*, 15 per cent; .*max_corrupt \(10\)"),
    ([[]], r"stopped \(Invalid JPEG data\), though every .*; if it .*, delete .*train and run it again"),
])
def test_too_many_damaged_images_or_damaged_records_are_an_error(tmp_path, monkeypatch, findings, message):
    study, folder = _prepared(tmp_path, steps=30)
    Failing(monkeypatch, findings)
    with pytest.raises(InputError, match=message):
        train_cell(_lenient(study, 10.0), folder, WHOLE, "on a test")


@pytest.mark.parametrize("settings", [{}, {"tuning": RULE}])
def test_a_subset_without_boxes_is_an_error(tmp_path, settings):
    root = write_dataset(tmp_path / "data")
    path = root / "annotations/instances_train.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"annotations": []}))
    study, folder = _study(root, 30, **settings), StudyFolder(tmp_path / "studies")
    prepare(study, folder, study.datasets[0])
    with pytest.raises(InputError, match="its 10 images hold no box to learn from; take a larger fraction"):
        train_cell(study, folder, CELL, "on a test")
    assert not folder.run(CELL).params.exists()


def test_a_batch_that_the_replicas_cannot_share_is_an_error(tmp_path, monkeypatch):
    class Strategy:
        num_replicas_in_sync = 3

    study, folder = _prepared(tmp_path, steps=30)
    monkeypatch.setattr(train_run, "prepare", lambda runtime: Strategy())
    with pytest.raises(InputError, match="a batch of 4 images cannot be shared evenly by 3 replicas"):
        train_cell(study, folder, CELL, "on a test")


def test_a_checkpoint_is_tried_before_anything_is_trained(tmp_path):
    detector = _study(tmp_path, 30).detectors[0]
    save(build("ssd_mobilenet_v2", 4, input_size=64, width=0.1), tmp_path / "model.ckpt")
    fitting = msgspec.structs.replace(detector, checkpoint=str(tmp_path))
    for usable in (fitting, detector):
        check_checkpoint(usable, Recipe(), tuple(COLOURS))
    with pytest.raises(InputError, match="has 4 classes, whose labels are not known"):
        check_checkpoint(fitting, Recipe(restore="labels"), tuple(COLOURS))
    with pytest.raises(InputError, match="of another width"):
        check_checkpoint(msgspec.structs.replace(fitting, width=0.2), Recipe(), tuple(COLOURS))


@pytest.mark.slow
def test_an_image_that_is_damaged_in_the_records_is_skipped_in_the_midst_of_a_training(tmp_path, capsys):
    study, folder = _prepared(tmp_path, steps=10)
    shard = next(folder.train_records("paint", 64, 0).glob("train-*-of-*.tfrecord"))
    examples = [tf.train.Example.FromString(raw) for raw in tf.data.TFRecordDataset(str(shard)).as_numpy_iterator()]
    content = examples[0].features.feature["image/encoded"].bytes_list
    content.value[0] = bytes(len(content.value[0]))  # as long as before: the manifest knows the file's size
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for example in examples:
            writer.write(example.SerializeToString())
    training = train_cell(_lenient(study, 5.0), folder, WHOLE, "on a test")
    assert (training.skipped, training.steps) == (1, 10)
    assert "as they cannot be decoded: 1 (" in capsys.readouterr().err


@pytest.mark.slow
def test_a_training_whose_last_checkpoint_is_damaged_ends_as_it_had(trained, capsys):
    study, folder, before = trained
    checkpoints = folder.run(CELL).checkpoints
    weights = _weights(checkpoints / "ckpt-30")
    data = checkpoints / "ckpt-30.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:1000])
    training = train_cell(study, folder, CELL, "on a test")
    assert (training.checkpoint, training.resumed_at, training.fingerprint) == ("ckpt-30", 20, before.fingerprint)
    err = capsys.readouterr().err
    assert f"{checkpoints}/ckpt-30: not whole; trained on from what is\n" in err and "going on from step 20\n" in err
    for name, values in _weights(checkpoints / "ckpt-30").items():
        np.testing.assert_allclose(values, weights[name], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_the_best_weights_are_found_again_where_they_are_damaged(tuned, capsys):
    study, folder, before = tuned
    run = folder.run(WHOLE)
    looks, weights = run.tuning.read_text(), _weights(run.checkpoints / before.checkpoint)
    (run.checkpoints / f"{before.checkpoint}.index").write_bytes(b"")
    run.training.write_text('{"fingerprint": ')
    training = train_cell(study, folder, WHOLE, "on a test")
    assert (training.checkpoint, training.steps, run.tuning.read_text()) == (before.checkpoint, before.steps, looks)
    err = capsys.readouterr().err
    assert "training.json: not valid JSON" in err and f"{before.checkpoint} is not whole" in err
    for name, values in _weights(run.checkpoints / training.checkpoint).items():
        np.testing.assert_allclose(values, weights[name], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_full_disk_stops_a_training_in_one_line_and_it_goes_on(tmp_path, capsys):
    study, folder = _prepared(tmp_path, steps=20)
    with full_disk(1_000_000):  # less than a checkpoint
        assert command(lambda: train_cell(study, folder, CELL, "on a test"))() == 2
    assert capsys.readouterr().err.endswith("error: File too large; make room and give the same command again\n")
    run = folder.run(CELL)
    assert not run.training.exists() and train_cell(study, folder, CELL, "on a test").steps == 20
    assert not list(run.checkpoints.glob("*_temp"))


@pytest.mark.slow
def test_damaged_records_are_made_anew_in_the_midst_of_a_training(tmp_path, capsys):
    study, folder = _study(write_dataset(tmp_path / "data"), 10), StudyFolder(tmp_path / "studies")
    prepare(study, folder, study.datasets[0])
    shard = next(folder.train_records("paint", 64, 0).glob("train-00001-*.tfrecord"))
    whole = shard.read_bytes()
    shard.write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    assert train_cell(study, folder, CELL, "on a test").steps == 10
    assert shard.read_bytes() == whole
    assert "train-00001-of-00003.tfrecord: damaged (corrupted record at " in capsys.readouterr().err
