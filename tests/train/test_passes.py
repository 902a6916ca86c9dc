import math

import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import InputError
from evaluate.run import load_detector
from records.manifest import Corrupt
from records.prepare import prepare
from study.config import Tuning
from study.data import read_subset
from study.layout import StudyFolder
from tests.small import write_dataset
from tests.train.cells import AVERAGED, CELL, RULE, WHOLE, events, lenient, prepared, study_of, weights
from train import passes
from train.loop import Pass
from train.resume import last_step
from train.run import train_cell
from train.task import DetectionTask
from train.tuning import Looks, cut


def test_a_tuning_split_chooses_the_weights_without_any_validation_image(tuned):
    study, folder, training = tuned
    run = folder.run(WHOLE)
    looks = Looks(run.tuning, RULE)
    assert [look.step for look in looks.looks] == [10, 20, 25] and looks.finished
    assert (training.chosen, training.steps, training.tuning_steps) == ("best", looks.best.step, 25)
    assert training.checkpoint == f"best-{looks.best.step}" and training.images == 20
    shown = events(run.checkpoints / "train")["tuning_AP"]
    assert shown == pytest.approx({look.step: look.ap for look in looks.looks})
    assert training.tuning_images == cut(read_subset(folder, study.datasets[0], WHOLE), RULE, "").num_images > 0
    assert {p.stem for p in run.checkpoints.glob("best-*")} == {training.checkpoint}
    detector = load_detector(study, study.detectors[0], 3, run, training.checkpoint)
    assert {v.numpy().tobytes() for v in detector.model.variables} == {
        v.tobytes() for v in weights(run.checkpoints / training.checkpoint).values()}


def test_the_moving_average_is_evaluated_with_batch_statistics_as_they_are(tuned):
    _, folder, training = tuned
    checkpoints = folder.run(WHOLE).checkpoints
    evaluated, last = weights(checkpoints / training.checkpoint), weights(checkpoints / f"ckpt-{training.steps}")
    averages = weights(checkpoints / f"ckpt-{training.steps}", "average")
    assert evaluated.keys() == last.keys() > averages.keys() and len(averages) > 100
    assert all((evaluated[name] == (last | averages)[name]).all() for name in evaluated)
    assert np.mean([(last[name] == average).all() for name, average in averages.items()]) < 0.1


@pytest.mark.slow
def test_a_training_killed_at_a_look_ends_as_if_it_had_not_been(tuned, tmp_path, monkeypatch):
    _, uninterrupted, expected = tuned
    study, folder = prepared(tmp_path, **AVERAGED)
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
    other = weights(uninterrupted.run(WHOLE).checkpoints / training.checkpoint)
    for name, values in weights(run.checkpoints / training.checkpoint).items():
        np.testing.assert_allclose(values, other[name], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_the_whole_subset_is_trained_on_for_as_many_steps_as_were_best(tmp_path, monkeypatch):
    rule = Tuning(hold_out=30.0, every=10, patience=1, then="whole")
    study, folder = prepared(tmp_path, steps=40, tuning=rule)
    aps = iter([0.1, 0.3, 0.2])
    monkeypatch.setattr(passes, "judge_of", lambda *_, **__: lambda: next(aps))
    train, taken = passes.train, []

    def counted(params, *arguments):
        taken.append((params.trainer.train_steps, len(params.task.train_data.leave_out)))
        if len(taken) == 2:
            raise KeyboardInterrupt
        return train(params, *arguments)

    monkeypatch.setattr(passes, "train", counted)
    with pytest.raises(KeyboardInterrupt):
        train_cell(study, folder, WHOLE, "on a test")
    training = train_cell(study, folder, WHOLE, "on a test")
    held = training.tuning_images
    assert taken == [(40, held), (20, 0), (20, 0)] and held > 0
    assert (training.chosen, training.steps, training.tuning_steps, training.checkpoint) == ("whole", 20, 30, "ckpt-20")
    run = folder.run(WHOLE)
    assert last_step(run.tuning_checkpoints) == 30 and last_step(run.checkpoints) == 20


def test_a_diverged_loss_names_its_step_and_leaves_the_last_good_checkpoint(tmp_path, monkeypatch):
    study, folder = prepared(tmp_path, steps=60)
    losses = DetectionTask.build_losses

    def diverging(task, *arguments, **settings):
        step = tf.summary.experimental.get_step()
        return losses(task, *arguments, **settings) * tf.where(tf.equal(step, 25), math.nan, 1.0)

    monkeypatch.setattr(DetectionTask, "build_losses", diverging)
    with pytest.raises(InputError, match="paint tiny 50 % .*: the loss is not finite at step 26; .* kept, .*ckpt-20"):
        train_cell(study, folder, CELL, "on a test")
    run = folder.run(CELL)
    assert last_step(run.checkpoints) == 20 and not run.training.exists()
    assert all(np.isfinite(values).all() for values in weights(run.checkpoints / "ckpt-20").values())


class Failing:
    """A training in whose midst images turn out to be damaged, as often as `findings` has lists of their numbers."""

    def __init__(self, monkeypatch, findings):
        self.findings, self.corrupt, self.left_out = list(findings), [], []
        for name in ("train", "rescan", "corrupt_of"):
            monkeypatch.setattr(passes, name, getattr(self, name))

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


def test_damaged_images_are_left_out_and_the_training_goes_on(tmp_path, monkeypatch, capsys):
    study, folder = prepared(tmp_path, steps=30)
    failing = Failing(monkeypatch, [[3], [5, 9]])
    training = train_cell(lenient(study, 15.0), folder, WHOLE, "on a test")
    assert failing.left_out == [[], [3], [3, 5, 9]] and training.skipped == 3
    assert "as they cannot be decoded: 2 (5.jpg: cut off; 9.jpg: cut off); going on" in capsys.readouterr().err


@pytest.mark.parametrize(("findings", "message"), [
    ([[3], [5, 9]], r"100 % .*: 3 \(3.jpg: cut off; .*\) of the first 20 .*, 15 per cent; .*max_corrupt \(10\)"),
    ([[]], r"stopped \(Invalid JPEG data\), though every .*; if it .*, delete .*train and run it again"),
])
def test_too_many_damaged_images_or_damaged_records_are_an_error(tmp_path, monkeypatch, findings, message):
    study, folder = prepared(tmp_path, steps=30)
    Failing(monkeypatch, findings)
    with pytest.raises(InputError, match=message):
        train_cell(lenient(study, 10.0), folder, WHOLE, "on a test")


@pytest.mark.slow
def test_an_image_that_is_damaged_in_the_records_is_skipped_in_the_midst_of_a_training(tmp_path, capsys):
    study, folder = prepared(tmp_path, steps=10)
    shard = next(folder.train_records("paint", 64, 0).glob("train-*-of-*.tfrecord"))
    examples = [tf.train.Example.FromString(raw) for raw in tf.data.TFRecordDataset(str(shard)).as_numpy_iterator()]
    content = examples[0].features.feature["image/encoded"].bytes_list
    content.value[0] = bytes(len(content.value[0]))  # as long as before: the manifest knows the file's size
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for example in examples:
            writer.write(example.SerializeToString())
    training = train_cell(lenient(study, 5.0), folder, WHOLE, "on a test")
    assert (training.skipped, training.steps) == (1, 10)
    assert "as they cannot be decoded: 1 (" in capsys.readouterr().err


@pytest.mark.slow
def test_damaged_records_are_made_anew_in_the_midst_of_a_training(tmp_path, capsys):
    study, folder = study_of(write_dataset(tmp_path / "data"), 10), StudyFolder(tmp_path / "studies")
    prepare(study, folder, study.datasets[0])
    shard = next(folder.train_records("paint", 64, 0).glob("train-00001-*.tfrecord"))
    whole = shard.read_bytes()
    shard.write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    assert train_cell(study, folder, CELL, "on a test").steps == 10
    assert shard.read_bytes() == whole
    assert "train-00001-of-00003.tfrecord: damaged (corrupted record at " in capsys.readouterr().err
