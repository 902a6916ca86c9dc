import json
import math
from datetime import datetime, timedelta

import numpy as np
import pytest

from detectors import runtime

runtime.start("testing")

import tensorflow as tf  # noqa: E402

from datasets.errors import InputError  # noqa: E402
from datasets.files import write_json  # noqa: E402
from detectors.detector import build  # noqa: E402
from evaluate.run import evaluate_cell, load_detector  # noqa: E402
from records.prepare import prepare  # noqa: E402
from study.config import DatasetConfig, DetectorConfig, Recipe  # noqa: E402
from study.data import read_train  # noqa: E402
from study.identity import EVALUATION, claim  # noqa: E402
from study.layout import RunFolder, StudyFolder  # noqa: E402
from study.matrix import Cell  # noqa: E402
from study.provenance import origin  # noqa: E402
from tests.small import make_study, write_dataset, write_split  # noqa: E402

CELL = Cell(50.0, "paint", "tiny")
INPUTS = {"cell": {"dataset": "paint"}, "subset": "ab12", "boxes": 20}
TRAINING = {"fingerprint": "abc", "images": 10, "boxes": 20, "steps": 3, "resumed_at": 0, "checkpoint": "ckpt-1",
            "seconds": 1.0, "images_per_second": 9.0, "loss": 5.0, "device": "on a test"}


def _untrained(dataset, folder):
    """Return a study with an untrained detector saved as the checkpoint of one cell, and its folder."""
    detector = DetectorConfig(name="tiny", width=0.1, input_size=64, stored_size=64, recipes={"scaled": Recipe()})
    study = make_study(dataset.root, datasets=(dataset,), detectors=(detector,), bootstrap=20)
    prepare(study, folder, study.datasets[0])
    run = folder.run(CELL)
    tf.train.Checkpoint(model=build("ssd_mobilenet_v2", 3, input_size=64, width=0.1).model).save(
        str(run.checkpoints / "ckpt"))
    claim(run, INPUTS)
    write_json(run.training, TRAINING)
    return study, folder


@pytest.fixture(scope="module")
def study_and_folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("paint")
    dataset = DatasetConfig(name="paint", root=str(write_dataset(root / "data")))
    return _untrained(dataset, StudyFolder(root / "studies"))


def test_a_cell_is_judged_on_every_validation_image(study_and_folder):
    study, folder = study_and_folder
    result = evaluate_cell(study, folder, CELL)
    assert result == json.loads(folder.run(CELL).result.read_text())
    assert result["cell"] == {"fraction": 50.0, "dataset": "paint", "detector": "tiny", "draw": 0, "seed": 0,
                              "searched": False}
    values = {(m["metric"], m["class"]): m["value"] for m in result["metrics"]}
    assert 0 <= values["AP", ""] <= 1 and {k for m, k in values if m == "AP50"} == {"", "red", "green", "blue"}
    assert math.isfinite(values["loss", ""]) and values["loss", ""] > 0
    found = json.loads(folder.run(CELL).detections.read_text())
    assert {d["image_id"] for d in found} == set(range(1, 8))


def test_a_result_says_where_it_comes_from(study_and_folder):
    study, folder = study_and_folder
    result = evaluate_cell(study, folder, CELL)
    assert result["layout"] == EVALUATION and result["configuration"]["training"] == INPUTS
    assert result["configuration"]["evaluation"]["bootstrap"] == 20
    assert result["evaluated_by"] == origin(result["evaluated_by"]["device"])
    assert result["evaluated_by"]["device"].startswith("evaluated on CPU (")
    assert result["evaluate_joules"] is None or result["evaluate_joules"] > 0
    assert datetime.fromisoformat(result["ended"]).utcoffset() == timedelta(0)


@pytest.mark.slow
def test_a_detector_is_loaded_at_its_depth(study_and_folder, tmp_path):
    run = RunFolder(tmp_path)
    trained = build("ssd_resnet101_fpn", 3, input_size=64, width=0.05, depth=50)
    tf.train.Checkpoint(model=trained.model).write(str(run.checkpoints / "ckpt-1"))
    config = DetectorConfig(name="deep", kind="ssd_resnet101_fpn", width=0.05, depth=50, input_size=64,
                            recipes={"scaled": Recipe()})
    loaded = load_detector(study_and_folder[0], config, 3, run, "ckpt-1")
    for ours, theirs in zip(loaded.model.get_weights(), trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_metrics_are_in_tensorboards_events_once(study_and_folder):
    study, folder = study_and_folder
    run = folder.run(CELL)
    run.result.unlink(missing_ok=True)
    result = evaluate_cell(study, folder, CELL)
    shown = {}
    for file in run.events.iterdir():
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            shown |= {(value.tag, event.step): float(tf.make_ndarray(value.tensor)) for value in event.summary.value}
    expected = {("/".join(filter(None, (m["metric"], m["class"]))), 3): m["value"] for m in result["metrics"]
                if m["value"] is not None}
    assert shown == pytest.approx(expected) and ("AP", 3) in shown and ("AP50/red", 3) in shown


@pytest.mark.parametrize(("content", "message"), [
    ({"layout": EVALUATION + 1}, "written by a newer version .*; update the code, or delete the file"),
    (TRAINING, None), ([1], None),
])
def test_a_result_of_a_newer_version_is_not_written_over(study_and_folder, content, message):
    study, folder = study_and_folder
    first, run = evaluate_cell(study, folder, CELL), folder.run(CELL)
    write_json(run.result, content)
    if message:
        with pytest.raises(InputError, match=message):
            evaluate_cell(study, folder, CELL)
        run.result.unlink()
    assert evaluate_cell(study, folder, CELL)["metrics"] == first["metrics"]


@pytest.mark.parametrize("content", [{"fingerprint": "abc"}, [], 3])
def test_a_training_of_another_version_is_named(study_and_folder, content):
    study, folder = study_and_folder
    write_json(folder.run(CELL).training, content)
    with pytest.raises(InputError, match=r"training\.json: not of this version; delete it to train on"):
        evaluate_cell(study, folder, CELL)
    write_json(folder.run(CELL).training, TRAINING)


def test_a_cell_is_judged_on_the_images_held_out_where_there_are_no_others(tmp_path):
    write_split(tmp_path / "data", "train", 20)
    dataset = DatasetConfig(name="paint", root=str(tmp_path / "data"), hold_out=30.0)
    study, folder = _untrained(dataset, StudyFolder(tmp_path / "studies"))
    evaluate_cell(study, folder, CELL)
    found = json.loads(folder.run(CELL).detections.read_text())
    trained_on = read_train(dataset).image_ids.tolist()
    assert {d["image_id"] for d in found} == set(range(1, 21)) - set(trained_on) and len(trained_on) < 20


def test_a_finished_evaluation_is_left_alone_until_its_inputs_change(study_and_folder):
    study, folder = study_and_folder
    first = evaluate_cell(study, folder, CELL)
    stamp = folder.run(CELL).result.stat().st_mtime_ns
    assert evaluate_cell(study, folder, CELL) == first and folder.run(CELL).result.stat().st_mtime_ns == stamp
    write_json(folder.run(CELL).training, TRAINING | {"fingerprint": "abd"})
    assert evaluate_cell(study, folder, CELL)["fingerprint"] != first["fingerprint"]


@pytest.mark.parametrize("offset", [0, 20, -1])
def test_damaged_records_are_made_anew(study_and_folder, capsys, offset):
    study, folder = study_and_folder
    first = evaluate_cell(study, folder, CELL)
    shard = next(folder.validation_records("paint", 64).glob("*.tfrecord"))
    whole = shard.read_bytes()
    damaged = bytearray(whole)
    damaged[offset] ^= 1
    shard.write_bytes(damaged)
    run = folder.run(CELL)
    run.result.write_text(run.result.read_text()[:99])  # damaged too
    assert evaluate_cell(study, folder, CELL)["metrics"] == first["metrics"] and shard.read_bytes() == whole
    err = capsys.readouterr().err
    assert "result.json: not valid JSON" in err and "64px/val: damaged (corrupted record at" in err


def test_a_cell_without_training_is_an_error(study_and_folder):
    study, folder = study_and_folder
    with pytest.raises(InputError, match="not trained yet; run train/train_subset.sh first"):
        evaluate_cell(study, folder, Cell(10.0, "paint", "tiny"))


def test_a_lost_checkpoint_is_an_error_with_its_remedy(study_and_folder):
    study, folder = study_and_folder
    run = folder.run(CELL)
    write_json(run.training, TRAINING | {"checkpoint": "ckpt-9", "fingerprint": "lost"})
    with pytest.raises(InputError, match="ckpt-9: the checkpoint is missing or damaged; train the run again"):
        evaluate_cell(study, folder, CELL)
