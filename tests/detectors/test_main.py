import tarfile

import numpy as np
import pytest
import tensorflow as tf

from detectors import checkpoint
from detectors.__main__ import main

WIDTH = ["--width", "0.1"]


@pytest.fixture
def zoo(tiny, tmp_path):
    """An archive laid out as the original's."""
    checkpoint.save(tiny, tmp_path / "zoo" / "model.ckpt")
    with tarfile.open(tmp_path / "zoo.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "zoo", "ssd_2018_12_12")
    return tmp_path / "zoo.tar.gz"


def test_an_archive_is_imported(zoo, tiny, other, tmp_path, capsys):
    assert main(["import", str(zoo), str(tmp_path / "out" / "model.ckpt"), *WIDTH]) == 0
    assert "ssd_mobilenet_v2, 3 classes" in capsys.readouterr().out
    checkpoint.restore(other, tmp_path / "out" / "model.ckpt")
    for a, b in zip(tiny.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_describe_writes_nothing(zoo, tmp_path, capsys):
    before = sorted(tmp_path.rglob("*"))
    assert main(["describe", str(zoo.parent / "zoo"), *WIDTH]) == 0
    assert "324 variables restored, 0 start afresh, ignored: 1 global_step" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


def test_another_width_is_refused_and_the_archive_named(zoo, capsys):
    assert main(["describe", str(zoo)]) == 2
    error = capsys.readouterr().err
    assert str(zoo) in error and "another detector or width" in error and error.count("\n") == 1


def test_a_broken_archive_is_refused(zoo, capsys):
    zoo.write_bytes(zoo.read_bytes()[:5000])
    assert main(["describe", str(zoo), *WIDTH]) == 2
    assert "not a readable archive" in capsys.readouterr().err


def test_a_training_checkpoint_is_exported(tiny, tmp_path, capsys):
    training = tf.train.Checkpoint(model=tiny.model, global_step=tf.Variable(12, dtype=tf.int64))
    source = training.write(str(tmp_path / "ckpt-12"))
    target = str(tmp_path / "model.ckpt")
    assert main(["export", source, target, "--classes", "3", *WIDTH]) == 0
    assert "(step 12)" in capsys.readouterr().out
    for name, variable in tiny.variables.items():
        np.testing.assert_array_equal(tf.train.load_variable(target, name), variable)
    assert main(["export", source, target, "--classes", "4", *WIDTH]) == 2
    assert "check --classes and --width" in capsys.readouterr().err
