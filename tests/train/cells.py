"""Small cells to train, and what their trainings leave behind."""

import shutil

import msgspec
import tensorflow as tf

from records.prepare import prepare
from study.config import DetectorConfig, Recipe, Tuning
from study.layout import StudyFolder
from study.matrix import Cell
from tests.small import make_study, write_dataset

CELL = Cell(50.0, "paint", "tiny")
WHOLE = Cell(100.0, "paint", "tiny")
RULE = Tuning(hold_out=30.0, every=10, patience=0)
AVERAGED = {"steps": 25, "moving_average": 0.9, "tuning": RULE}
END = "/.ATTRIBUTES/VARIABLE_VALUE"


def study_of(root, steps, **settings):
    recipe = Recipe(batch_size=4, steps=steps, warmup_steps=0, learning_rate=0.001, **settings)
    detector = DetectorConfig(name="tiny", width=0.1, input_size=64, stored_size=64, recipes={"scaled": recipe})
    return make_study(root, detectors=(detector,), checkpoint_every=20)


def prepared(root, **settings):
    """Return a study of 20 images whose records are written and whose validation images are gone, and its folder."""
    study, folder = study_of(write_dataset(root / "data"), **settings), StudyFolder(root / "studies")
    prepare(study, folder, study.datasets[0])
    shutil.rmtree(root / "data/val")
    (root / "data/annotations/instances_val.json").unlink()
    shutil.rmtree(folder.validation_records("paint", 64))
    return study, folder


def lenient(study, max_corrupt):
    return msgspec.structs.replace(
        study, datasets=(msgspec.structs.replace(study.datasets[0], max_corrupt=max_corrupt),))


def events(folder):
    """Return the values in TensorBoard's events by tag and step."""
    shown = {}
    for file in sorted(folder.iterdir()):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                shown.setdefault(value.tag, {})[event.step] = float(tf.make_ndarray(value.tensor))
    return shown


def weights(checkpoint, slot=None):
    """Return the model's variables in a checkpoint by name, or what the optimiser's `slot` holds of them."""
    reader = tf.train.load_checkpoint(str(checkpoint))
    end = f"/.OPTIMIZER_SLOT/optimizer/{slot}{END}" if slot else END
    names = [n for n in reader.get_variable_to_shape_map() if n.startswith("model/") and n.endswith(end)]
    return {n.removesuffix(end): reader.get_tensor(n) for n in names if slot or ".OPTIMIZER_SLOT" not in n}
