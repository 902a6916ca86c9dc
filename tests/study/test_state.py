import msgspec
import pytest

from datasets.errors import InputError
from datasets.files import write_json
from study.data import cut_orders, image_bytes, image_folder, read_subset, read_train, read_validation
from study.identity import claim, evaluation_inputs, fingerprint, training_inputs
from study.matrix import Cell
from study.state import is_finished

CELL = Cell(10.0, "paint", "tiny")


@pytest.fixture
def inputs(study, folder):
    dataset = study.datasets[0]
    cut_orders(study, folder, dataset, read_train(dataset))
    subset = read_subset(folder, dataset, CELL)
    return training_inputs(study, CELL, subset, image_bytes(subset, image_folder(dataset, dataset.train)))


@pytest.fixture
def result(study, inputs):
    dataset = study.datasets[0]
    truth = read_validation(dataset)
    size = image_bytes(truth, image_folder(dataset, dataset.validation))
    evaluation = evaluation_inputs(study, truth, size, fingerprint(inputs))
    return {"fingerprint": fingerprint(evaluation)}


def test_a_run_is_finished_when_its_own_result_is_there(study, folder, inputs, result):
    run = folder.run(CELL)
    assert not is_finished(study, folder, CELL)
    claim(run, inputs)
    assert not is_finished(study, folder, CELL)
    write_json(run.result, result)
    assert is_finished(study, folder, CELL)
    assert not is_finished(study, folder, Cell(50.0, "paint", "tiny"))


@pytest.mark.parametrize("content", [{"fingerprint": "of something else"}, {}])
def test_a_result_of_other_inputs_does_not_count(study, folder, inputs, content):
    claim(folder.run(CELL), inputs)
    write_json(folder.run(CELL).result, content)
    assert not is_finished(study, folder, CELL)


def test_a_result_without_parameters_does_not_count(study, folder, result):
    write_json(folder.run(CELL).result, result)
    assert not is_finished(study, folder, CELL)


def test_another_bootstrap_is_another_evaluation(study, folder, inputs, result):
    claim(folder.run(CELL), inputs)
    write_json(folder.run(CELL).result, result)
    assert not is_finished(msgspec.structs.replace(study, bootstrap=999), folder, CELL)


def test_a_run_of_another_configuration_is_refused(study, folder, inputs, result):
    claim(folder.run(CELL), inputs)
    write_json(folder.run(CELL).result, result)
    wide = msgspec.structs.replace(study.detectors[0], width=0.9)
    with pytest.raises(InputError, match=r"detector\.width: 0\.1 then, 0\.9 now"):
        is_finished(msgspec.structs.replace(study, detectors=(wide,)), folder, CELL)
