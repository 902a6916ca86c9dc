import json
import math

import pytest

from detectors import runtime

runtime.start("testing")

import tensorflow as tf  # noqa: E402

from datasets.errors import InputError  # noqa: E402
from datasets.files import write_json  # noqa: E402
from detectors.detector import build  # noqa: E402
from evaluate.run import evaluate_cell  # noqa: E402
from records.prepare import prepare  # noqa: E402
from study.config import DatasetConfig, DetectorConfig, Recipe  # noqa: E402
from study.data import read_train  # noqa: E402
from study.layout import StudyFolder  # noqa: E402
from study.matrix import Cell  # noqa: E402
from tests.small import make_study, write_dataset, write_split  # noqa: E402

CELL = Cell(50.0, "paint", "tiny")
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
    assert result["cell"] == {"fraction": 50.0, "dataset": "paint", "detector": "tiny", "draw": 0, "seed": 0}
    values = {(m["metric"], m["class"]): m["value"] for m in result["metrics"]}
    assert 0 <= values["AP", ""] <= 1 and {k for m, k in values if m == "AP50"} == {"", "red", "green", "blue"}
    assert math.isfinite(values["loss", ""]) and values["loss", ""] > 0
    found = json.loads(folder.run(CELL).detections.read_text())
    assert {d["image_id"] for d in found} == set(range(1, 8))


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


def test_a_cell_without_training_is_an_error(study_and_folder):
    study, folder = study_and_folder
    with pytest.raises(InputError, match="not trained yet; run train/train_subset.sh first"):
        evaluate_cell(study, folder, Cell(10.0, "paint", "tiny"))


def test_a_lost_checkpoint_is_an_error_with_its_remedy(study_and_folder):
    study, folder = study_and_folder
    run = folder.run(CELL)
    write_json(run.training, TRAINING | {"checkpoint": "ckpt-9", "fingerprint": "lost"})
    with pytest.raises(InputError, match="ckpt-9: the checkpoint is missing or damaged; delete .* and run it again"):
        evaluate_cell(study, folder, CELL)
