import tarfile
from typing import get_args, get_type_hints

import numpy as np
import pytest
import tensorflow as tf

from detectors.__main__ import main
from detectors.checkpoints import checkpoint
from detectors.detector import build
from detectors.kinds import DEPTHS, SCOPES
from study.checkpoints import is_there
from study.config import DetectorConfig
from tests.detectors.checkpoints.server import serve
from tests.detectors.checkpoints.test_zoo import UNKNOWN
from tests.detectors.made_checkpoints import values_of, write

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
    assert "; 324 variables restored; 1 variable ignored (global_step: 1)\n" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


def test_the_whole_account_is_written_on_request(zoo, tmp_path):
    assert main(["describe", str(zoo), "--csv", str(tmp_path / "account.csv"), *WIDTH]) == 0
    rows = (tmp_path / "account.csv").read_text().splitlines()
    assert len(rows) == 1 + 324 + 1 and rows[-1] == "variable,global_step,ignored,global_step"


def test_what_was_not_restored_is_listed(tiny, tmp_path, capsys):
    values = values_of(tiny)
    del values["BoxPredictor_0/BoxEncodingPredictor/weights"]
    write(tmp_path / "model.ckpt", values | {"Stray/weights": np.zeros(2, np.float32)})
    assert main(["describe", str(tmp_path), *WIDTH]) == 0
    listed = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert [" ".join(words) for words in listed] == [
        "re-initialised BoxPredictor_0/BoxEncodingPredictor/weights: absent",
        "re-initialised BoxPredictor_0/BoxEncodingPredictor/biases: with its layer",
        "ignored Stray/weights: not part of the detector"]


@pytest.mark.parametrize("width", ["nan", "inf", "0", "-1"])
def test_a_width_that_is_none_is_refused(zoo, capsys, width):
    for kind in SCOPES:
        assert main(["describe", str(zoo), "--kind", kind, f"--width={width}"]) == 2
        error = capsys.readouterr().err
        assert "a positive, finite width" in error and error.count("\n") == 1


def test_a_checkpoint_in_several_pieces_is_read(tiny, tmp_path, capsys):
    values = list(values_of(tiny).items())
    pieces = [write(tmp_path / name, dict(part)) for name, part in (("a", values[:9]), ("b", values[9:]))]
    prefix = tmp_path / "whole" / "model.ckpt"
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=[str(piece) for piece in pieces], destination_prefix=str(prefix))
    assert len(list(prefix.parent.glob("*.data-*-of-00002"))) == 2
    assert main(["describe", str(prefix), *WIDTH]) == 0
    assert "324 variables restored\nnot a published checkpoint" in capsys.readouterr().out


@pytest.mark.parametrize("target", ["mine", "mine/", "new/"])
def test_a_folder_is_written_into(zoo, tmp_path, capsys, target):
    (tmp_path / "mine").mkdir()
    assert main(["import", str(zoo), f"{tmp_path}/{target}", *WIDTH]) == 0
    prefix = tmp_path / target / "model.ckpt"
    assert f"wrote {prefix}\n" in capsys.readouterr().out and is_there(prefix)
    assert not list(tmp_path.glob("*.index"))


def test_the_kinds_are_those_of_a_study():
    hints = get_type_hints(DetectorConfig)
    assert get_args(hints["kind"]) == tuple(SCOPES)
    assert [get_args(hints["depth"])] == list(DEPTHS.values())


def test_kind_and_depth_are_read_from_the_checkpoint(tmp_path, capsys):
    detector = build("ssd_resnet101_fpn", 2, width=0.05, depth=50)
    write(tmp_path / "model.ckpt", values_of(detector))
    assert main(["describe", str(tmp_path), "--width", "0.05"]) == 0
    assert "ssd_resnet101_fpn, depth 50, 2 classes" in capsys.readouterr().out
    assert main(["describe", str(tmp_path), "--kind", "ssd_mobilenet_v2", "--width", "0.05"]) == 2
    error = capsys.readouterr().err
    assert "no variable 'FeatureExtractor/MobilenetV2/" in error and error.count("\n") == 1
    assert "it is a checkpoint of ssd_resnet101_fpn" in error


@pytest.mark.parametrize(("name", "message"), [
    ("frozen_inference_graph.pb", "is a frozen graph, which has no variables to train; give the model.ckpt files"),
    ("nowhere", "no checkpoint there"), ("ssd", "no checkpoint there"),
])
def test_what_is_no_checkpoint_is_refused_in_one_line(tmp_path, capsys, name, message):
    (tmp_path / "frozen_inference_graph.pb").write_bytes(b"graph")
    assert main(["import", str(tmp_path / name), str(tmp_path / "out" / "model.ckpt")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (tmp_path / "out").exists()


def test_a_checkpoint_of_the_zoo_is_got_by_name(zoo, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("study.checkpoints.REPOSITORY", tmp_path / "repository")
    monkeypatch.setattr("detectors.checkpoints.zoo.REPOSITORY", tmp_path / "repository")
    with serve({f"{UNKNOWN}.tar.gz": zoo.read_bytes()}) as server:
        assert main(["get", UNKNOWN, "--url", server.url]) == 0
    assert f"{UNKNOWN} is in {tmp_path}/repository/checkpoints/{UNKNOWN}\n" in capsys.readouterr().out
    assert main(["describe", UNKNOWN, *WIDTH]) == 0
    with pytest.raises(SystemExit):
        main(["get", "ssd"])


def test_another_width_is_refused_and_the_archive_named(zoo, capsys):
    assert main(["describe", str(zoo)]) == 2
    error = capsys.readouterr().err
    assert str(zoo) in error and "of another width or not complete" in error and error.count("\n") == 1


def test_a_broken_archive_is_refused(zoo, capsys):
    zoo.write_bytes(zoo.read_bytes()[:5000])
    assert main(["describe", str(zoo), *WIDTH]) == 2
    assert "cut off or damaged" in capsys.readouterr().err


def test_a_training_checkpoint_is_exported(tiny, tmp_path, capsys):
    training = tf.train.Checkpoint(model=tiny.model, global_step=tf.Variable(12, dtype=tf.int64))
    source = training.write(str(tmp_path / "ckpt-12"))
    target = str(tmp_path / "model.ckpt")
    assert main(["export", source, target, "--num-classes", "3", *WIDTH]) == 0
    assert "(step 12)" in capsys.readouterr().out
    for name, variable in tiny.variables.items():
        np.testing.assert_array_equal(tf.train.load_variable(target, name), variable)
    (tmp_path / "mine").mkdir()
    assert main(["export", source, str(tmp_path / "mine"), "--num-classes", "3", *WIDTH]) == 0
    assert is_there(tmp_path / "mine" / "model.ckpt")
    capsys.readouterr()
    assert main(["export", source, target, "--num-classes", "4", *WIDTH]) == 2
    assert "check --kind, --num-classes, --width and --depth" in capsys.readouterr().err
