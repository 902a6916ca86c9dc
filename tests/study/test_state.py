import os

import msgspec
import pytest

from datasets.errors import InputError
from datasets.files import write_json
from study.data import cut_orders, image_bytes, image_folder, read_subset, read_train, read_validation
from study.identity import evaluation_inputs, fingerprint, training_inputs
from study.matrix import Cell, cells
from study.state import is_concluded, is_finished, note_conclusion
from tests.small import begin

CELL = Cell(10.0, "paint", "tiny")


@pytest.fixture
def inputs(study, folder):
    dataset = study.datasets[0]
    cut_orders(study, folder, dataset, read_train(dataset))
    subset = read_subset(folder, dataset, CELL)
    return training_inputs(study, CELL, subset, image_bytes(subset, image_folder(dataset, dataset.train)))


@pytest.fixture
def result(study, folder, inputs):
    dataset = study.datasets[0]
    truth = read_validation(dataset)
    size = image_bytes(truth, image_folder(dataset, dataset.validation))
    evaluation = evaluation_inputs(study, truth, size, fingerprint(inputs))
    write_json(folder.run(CELL).detections, [])
    return {"fingerprint": fingerprint(evaluation)}


def test_a_run_is_finished_when_its_own_result_is_there(study, folder, inputs, result):
    run = folder.run(CELL)
    assert not is_finished(study, folder, CELL)
    begin(run, inputs)
    assert not is_finished(study, folder, CELL)
    write_json(run.result, result)
    assert is_finished(study, folder, CELL)
    assert not is_finished(study, folder, Cell(50.0, "paint", "tiny"))
    run.detections.unlink()
    assert not is_finished(study, folder, CELL)


@pytest.mark.parametrize("content", [{"fingerprint": "of something else"}, {}])
def test_a_result_of_other_inputs_does_not_count(study, folder, inputs, content):
    begin(folder.run(CELL), inputs)
    write_json(folder.run(CELL).result, content)
    assert not is_finished(study, folder, CELL)


def test_a_result_without_parameters_does_not_count(study, folder, result):
    write_json(folder.run(CELL).result, result)
    assert not is_finished(study, folder, CELL)


def test_another_bootstrap_is_another_evaluation(study, folder, inputs, result):
    begin(folder.run(CELL), inputs)
    write_json(folder.run(CELL).result, result)
    assert not is_finished(msgspec.structs.replace(study, bootstrap=999), folder, CELL)


def test_a_run_of_another_configuration_is_refused(study, folder, inputs, result):
    begin(folder.run(CELL), inputs)
    write_json(folder.run(CELL).result, result)
    wide = msgspec.structs.replace(study.detectors[0], width=0.9)
    with pytest.raises(InputError, match=r"detector\.width: 0\.1 then, 0\.9 now"):
        is_finished(msgspec.structs.replace(study, detectors=(wide,)), folder, CELL)


def test_a_changed_picture_is_another_input(study, folder, inputs, result, root):
    begin(folder.run(CELL), inputs | {"image_bytes": inputs["image_bytes"] + 1})
    with pytest.raises(InputError, match="image_bytes"):
        is_finished(study, folder, CELL)


@pytest.fixture
def concluded(study, folder):
    """Every file that a whole study leaves."""
    for cell in cells(study):
        write_json(folder.run(cell).result, {"fingerprint": str(cell)})
    for path in (folder.results, folder.forecast_table, folder.report):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    note_conclusion(study, folder)
    return folder


def test_a_study_is_concluded_when_all_is_there_whatever_the_clock_said(study, concluded):
    os.utime(concluded.results, ns=(0, 0))
    assert is_concluded(study, concluded)


@pytest.mark.parametrize("which", ["results", "forecast_table", "report", "concluded", "run"])
def test_a_study_is_not_concluded_with_anything_missing(study, concluded, which):
    (concluded.run(cells(study)[-1]).result if which == "run" else getattr(concluded, which)).unlink()
    assert not is_concluded(study, concluded)


def test_a_study_is_not_concluded_of_other_results_or_settings(study, concluded):
    assert not is_concluded(msgspec.structs.replace(study, bootstrap=999), concluded)
    write_json(concluded.run(cells(study)[0]).result, {"fingerprint": "another"})
    assert not is_concluded(study, concluded)


def test_one_size_has_no_forecast_to_wait_for(study, folder):
    folder.results.parent.mkdir(parents=True)
    folder.results.touch()
    note_conclusion(study, folder)
    assert is_concluded(study, folder)
