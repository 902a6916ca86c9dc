import copy
import json
from dataclasses import replace

import msgspec
import pytest

from datasets.errors import InputError
from datasets.settings import read_yaml
from study.config import DatasetConfig, Recipe
from study.data import cut_orders, read_subset, read_train, read_validation
from study.identity import (
    claim,
    evaluation_inputs,
    fingerprint,
    refuse_changed,
    refuse_changed_study,
    training_inputs,
    versions,
)
from study.layout import StudyFolder
from study.load import dump_study
from study.matrix import Cell
from tests.small import begin, make_study, write_dataset

CELL = Cell(50.0, "paint", "tiny")


def changed(study, **settings):
    """Return the study with other settings of its detector."""
    return msgspec.structs.replace(study, detectors=(msgspec.structs.replace(study.detectors[0], **settings),))


def inputs_of(study, folder, cell=CELL):
    dataset = study.datasets[0]
    cut_orders(study, folder, dataset, read_train(dataset))
    return training_inputs(study, cell, read_subset(folder, dataset, cell), 5000)


@pytest.fixture
def inputs(study, folder):
    return inputs_of(study, folder)


def test_inputs_are_plain_and_say_what_is_trained_on(study, folder, inputs, root):
    assert json.loads(json.dumps(inputs)) == inputs
    truth = read_subset(folder, study.datasets[0], CELL)
    assert inputs["images"] == 10 and inputs["boxes"] == truth.num_boxes
    assert inputs["classes"] == ["red", "green", "blue"] and inputs["annotations"] == truth.checksum
    assert inputs["recipe"]["name"] == "scaled" and inputs["checkpoint"] == ""


@pytest.mark.parametrize("change", [
    lambda study: changed(study, width=0.2),
    lambda study: changed(study, input_size=32),
    lambda study: changed(study, kind="ssd_resnet101_fpn", depth=50),
    lambda study: changed(study, recipes={"scaled": Recipe(restore="features")}),
    lambda study: changed(study, recipes={"scaled": Recipe(learning_rate=0.02)}),
    lambda study: msgspec.structs.replace(changed(study, recipes={"other": Recipe()}), recipe="other"),
    lambda study: make_study(study.datasets[0].root, datasets=(
        msgspec.structs.replace(study.datasets[0], classes=("blue", "green", "red")),)),
], ids=["width", "input size", "depth", "restore", "recipe", "recipe's name", "classes"])
def test_whatever_determines_a_run_changes_its_fingerprint(study, folder, inputs, change):
    assert fingerprint(inputs_of(change(study), StudyFolder(folder.root / "other"))) != fingerprint(inputs)


@pytest.mark.parametrize("change", [
    lambda study: msgspec.structs.replace(study, name="other", bootstrap=50, checkpoint_every=7),
    lambda study: msgspec.structs.replace(study, fractions=(20.0, 50.0, 100.0)),
    lambda study: changed(study, recipes={"scaled": Recipe(), "unused": Recipe(epochs=3)}),
    lambda study: changed(study, of="large", varied={"width": 0.1}),
], ids=["how it is kept", "other fractions", "unused recipe", "what it varies"])
def test_nothing_else_does(study, folder, inputs, change):
    assert fingerprint(inputs_of(change(study), folder)) == fingerprint(inputs)


def test_settings_that_came_later_leave_earlier_runs_as_they_were(inputs):
    assert inputs["detector"].keys() == {"kind", "width", "input_size", "stored_size"}


def test_cells_and_subsets_differ(root, folder, inputs):
    study = make_study(root)
    others = [inputs_of(study, folder, Cell(50.0, "paint", "tiny", 0, 1)), inputs_of(study, folder, Cell(10.0, "paint",
                                                                                                         "tiny"))]
    assert len({fingerprint(i) for i in (inputs, *others)}) == 3
    assert others[0]["subset"] == inputs["subset"] != others[1]["subset"]


def test_an_evaluation_is_determined_by_training_truth_and_bootstrap(study, inputs, tmp_path):
    dataset = study.datasets[0]
    truth = read_validation(dataset)
    base = evaluation_inputs(study, truth, 900, "abc")
    other = DatasetConfig(name="paint", root=str(write_dataset(tmp_path / "other", validation=8)))
    variants = [evaluation_inputs(study, truth, 900, "abd"),
                evaluation_inputs(msgspec.structs.replace(study, bootstrap=300), truth, 900, "abc"),
                evaluation_inputs(study, read_validation(other), 900, "abc"),
                evaluation_inputs(study, truth, 901, "abc")]
    assert len({fingerprint(i) for i in (base, *variants)}) == 5
    assert fingerprint(evaluation_inputs(study, truth, 900, "abc")) == fingerprint(base)
    earlier = {key: value for key, value in base.items() if key != "layout"}  # of results that held less
    assert fingerprint(earlier) != fingerprint(base)


@pytest.mark.parametrize("field", ["image_ids", "starts", "classes", "boxes", "crowd"])
def test_what_is_read_determines_a_run_though_the_file_is_the_same(study, folder, field):
    dataset = study.datasets[0]
    cut_orders(study, folder, dataset, read_train(dataset))
    subset = read_subset(folder, dataset, CELL)
    values = getattr(subset, field).copy()
    values[1] = not values[1] if field == "crowd" else values[1] + 1
    other = replace(subset, **{field: values})
    assert other.checksum == subset.checksum
    for inputs in (lambda annotations: training_inputs(study, CELL, annotations, 5000),
                   lambda annotations: evaluation_inputs(study, annotations, 900, "abc")):
        assert fingerprint(inputs(other)) != fingerprint(inputs(subset))


def test_a_class_map_that_says_otherwise_makes_another_run(study, folder, root):
    """Though the file, the images, the boxes and the classes' names are the same."""
    fingerprints = set()
    for number, content in enumerate(["{warm: red, cold: [green, blue]}", "{warm: [red, green], cold: blue}"]):
        path = root / f"map-{number}.yaml"
        path.write_text(f"classes: {content}")
        dataset = msgspec.structs.replace(study.datasets[0], class_map=str(path))
        mapped = msgspec.structs.replace(study, datasets=(dataset,))
        fingerprints |= {fingerprint(inputs_of(mapped, folder)),
                         fingerprint(evaluation_inputs(mapped, read_validation(dataset), 900, "abc"))}
    assert len(fingerprints) == 4


def test_a_folder_in_which_nothing_was_trained_takes_other_inputs(study, folder, inputs):
    run = folder.run(CELL)
    claim(run, inputs | {"checkpoint": "another"})
    assert not folder.has_runs()
    claim(run, inputs)
    assert read_yaml(run.params)["inputs"] == inputs


def test_a_claimed_folder_takes_the_same_inputs_again_and_no_others(study, folder, inputs):
    run = folder.run(CELL)
    refuse_changed(run, inputs)
    begin(run, inputs)
    written = run.params.read_bytes()
    claim(run, copy.deepcopy(inputs))
    assert run.params.read_bytes() == written
    assert read_yaml(run.params) == {"inputs": inputs, "versions": versions()}
    other = inputs_of(changed(study, recipes={"scaled": Recipe(learning_rate=0.02, epochs=3.0)}), folder)
    with pytest.raises(InputError, match=r"recipe\.epochs: 10\.0 then, 3\.0 now; recipe\.learning_rate: 0\.01 then, "
                                         r"0\.02 now.*--name"):
        claim(run, other)
    assert run.params.read_bytes() == written


def test_awkward_inputs_survive_the_file(folder, inputs):
    run = folder.run(CELL)
    awkward = inputs | {"a": [1e-7, 1e22, 0.1 + 0.2], "b": "1e3", "c": "12e45", "d": "no", "e": None, "f": "\u2028"}
    begin(run, awkward)
    claim(run, awkward)


@pytest.mark.parametrize(("content", "fragment"), [("", "expected a mapping"), ("inputs: {", "not valid YAML"),
                                                   ("versions: {}", "null then")])
def test_damaged_parameters_are_refused(folder, inputs, content, fragment):
    run = folder.run(CELL)
    begin(run, inputs)
    run.params.write_text(content)
    with pytest.raises(InputError, match=fragment):
        claim(run, inputs)


def test_long_values_are_cut_in_messages(folder, inputs):
    run = folder.run(CELL)
    begin(run, inputs)
    with pytest.raises(InputError) as error:
        claim(run, inputs | {"classes": ["x" * 1000]})
    assert len(str(error.value)) < 400 and "classes" in str(error.value)


@pytest.fixture
def started(study, folder, inputs):
    """A study with one run."""
    folder.config.write_text(dump_study(study))
    begin(folder.run(CELL), inputs)
    return folder


@pytest.mark.parametrize("change", [
    lambda study: study,
    lambda study: msgspec.structs.replace(study, fractions=(1.0, 100.0), bootstrap=50),
    lambda study: msgspec.structs.replace(study, detectors=(*study.detectors,
                                                            msgspec.structs.replace(study.detectors[0], name="two"))),
    lambda study: make_study("/moved"),
    lambda study: changed(study, recipes={"scaled": Recipe(), "unused": Recipe(epochs=3)}),
    lambda study: changed(study, of="large", varied={"width": 0.1}),
], ids=["nothing", "fractions", "a further detector", "moved", "a recipe not used", "what it varies"])
def test_a_study_may_grow(study, started, change):
    refuse_changed_study(started, change(study))


@pytest.mark.parametrize(("change", "fragment"), [
    (lambda study: changed(study, width=0.2), r"tiny\.width: 0\.1 then, 0\.2 now"),
    (lambda study: changed(study, recipes={"scaled": Recipe(epochs=3)}), r"tiny\.recipes\.scaled\.epochs: 10\.0 then"),
    (lambda study: make_study(study.datasets[0].root, datasets=(
        msgspec.structs.replace(study.datasets[0], classes=("red",)),)), r"paint\.classes"),
    (lambda study: msgspec.structs.replace(changed(study, recipes={"new": Recipe()}), recipe="new"), "recipe"),
], ids=["width", "recipe", "classes", "another recipe"])
def test_a_study_with_runs_may_not_become_another(study, started, change, fragment):
    with pytest.raises(InputError, match=f"{fragment}.*--name"):
        refuse_changed_study(started, change(study))


def test_a_limit_may_be_raised_later(started, study):
    lenient = msgspec.structs.replace(study.datasets[0], max_corrupt=5.0)
    refuse_changed_study(started, msgspec.structs.replace(study, datasets=(lenient,)))


def test_a_folder_of_another_version_is_told_as_such(started, study):
    started.config.write_text(started.config.read_text() + "colour: red\n")
    with pytest.raises(InputError, match="made by another version .*colour.*; give the study another --name"):
        refuse_changed_study(started, study)


@pytest.mark.parametrize("content", ["", "name: [sm"])
def test_a_damaged_configuration_may_be_deleted(started, study, content):
    started.config.write_text(content)
    with pytest.raises(InputError, match=r"study\.yaml: .*; delete it: what each run was made of is kept in"):
        refuse_changed_study(started, study)
    started.config.unlink()
    refuse_changed_study(started, study)


def test_a_data_set_and_a_detector_may_share_a_name(root, folder):
    def make(width):
        study = make_study(root, datasets=(DatasetConfig(name="same", root=str(root)),))
        return changed(study, name="same", width=width)

    folder.config.parent.mkdir(parents=True)
    folder.config.write_text(dump_study(make(0.1)))
    begin(folder.run(Cell(50.0, "same", "same")), {})
    other_classes = msgspec.structs.replace(make(0.1).datasets[0], classes=("red",))
    for other in (make(0.2), msgspec.structs.replace(make(0.1), datasets=(other_classes,))):
        with pytest.raises(InputError, match="same"):
            refuse_changed_study(folder, other)


def test_a_study_without_runs_may_become_anything(study, folder):
    folder.config.parent.mkdir(parents=True)
    folder.config.write_text(dump_study(study))
    refuse_changed_study(folder, changed(study, width=0.2))


def test_versions_name_what_is_installed():
    assert {"python", "numpy", "tensorflow"} <= versions().keys()
