from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.layout import StudyFolder
from study.matrix import Cell

FOLDER = StudyFolder(Path("studies/x"))
names = st.sampled_from(["a", "b", "runs", "records", "order", "draw-1"])
some_cells = st.builds(Cell, st.sampled_from([1.0, 2.5, 25.0, 100.0]), names, names, st.integers(0, 2),
                       st.integers(0, 2))


@given(some_cells, some_cells)
def test_every_run_has_a_folder_of_its_own(a, b):
    assert (FOLDER.run(a).root == FOLDER.run(b).root) == (a == b)


def test_nothing_shares_a_path():
    run = FOLDER.run(Cell(2.5, "digits", "small"))
    paths = [FOLDER.config, FOLDER.results, FOLDER.forecast, FOLDER.forecast_table, FOLDER.charts, FOLDER.report,
             FOLDER.dataset("digits"), FOLDER.order("digits", 0), FOLDER.order("digits", 1),
             FOLDER.prevalence("digits"), FOLDER.train_records("digits", 160, 0),
             FOLDER.train_records("digits", 160, 1), FOLDER.train_records("digits", 320, 0),
             FOLDER.validation_records("digits", 160), run.root, run.params, run.checkpoints, run.training,
             run.detections, run.pictures, run.tuning, run.result]
    assert len(set(paths)) == len(paths)
    assert all(path.is_relative_to(FOLDER.root) for path in paths)


def test_paths_are_those_that_people_are_told():
    run = FOLDER.run(Cell(2.5, "digits", "small", 1, 0))
    assert run.result == Path("studies/x/digits/runs/small/2.5/draw-1/seed-0/result.json")
    assert FOLDER.order("digits", 0) == Path("studies/x/digits/order.json")
    assert FOLDER.train_records("digits", 160, 0) == Path("studies/x/digits/records/160px/train")


@pytest.mark.parametrize("searched", [False, True])
@pytest.mark.parametrize("started", [False, True])
def test_a_study_has_runs_once_one_was_started(tmp_path, started, searched):
    folder = StudyFolder(tmp_path)
    run = folder.run(Cell(2.5, "digits", "small", searched=searched))
    run.checkpoints.mkdir(parents=True)
    if started:
        run.params.touch()
        assert not folder.has_runs()
        run.tuning_checkpoints.mkdir()
        (run.tuning_checkpoints / "ckpt-20.index").touch()
    assert folder.has_runs() == started
