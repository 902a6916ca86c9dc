from dataclasses import replace

import pytest

from datasets.files import write_json, write_text
from engine.rows import rows_of
from engine.status import describe_status
from predict.backtest import BASELINES, DEFAULT
from study.layout import StudyFolder
from study.lock import hold
from study.matrix import Cell, cells
from study.search import Search
from tests.engine.planned import CPU, GPU, large_study

RATES = {"small": GPU, "big": GPU}
FORECAST = f"""curve,dataset,detector,metric,model,fit_up_to,fitted_sizes,images,median,lo-80,hi-80,truth
one_big,one,big,AP,{DEFAULT},20,5,2500,0.412,0.38,0.45,
one_big,one,big,AP,{DEFAULT},20,5,1000,0.3,0.29,0.31,0.3
one_big,one,big,AP,{BASELINES[0]},20,5,2500,0.6,,,
one_small,one,small,AP,{DEFAULT},20,6,2500,0.2,0.15,0.26,
"""


@pytest.fixture
def study(tmp_path):
    return large_study(tmp_path)


@pytest.fixture
def folder(tmp_path):
    return StudyFolder(tmp_path / "studies" / "large")


def _status(study, folder, rates, done=0, workers=4):
    rows = rows_of(study, folder, cells(study), rates)
    rows = [replace(row, state="done") if number < done else row for number, row in enumerate(rows)]
    return describe_status(study, folder, rows, rates, workers).splitlines()


def test_who_does_what_and_how_far_is_told_of_two_hundred(study, folder):
    running, failed = Cell(2.5, "one", "small"), Cell(2.5, "two", "big", 3)
    run = folder.run(running)
    write_json(folder.run(failed).failure, {"error": "the loss is not finite at step 40", "tries": 4})
    write_text(folder.run(failed).log, "error: the loss is not finite at step 40\n")
    write_text(run.checkpoints / "checkpoint", 'model_checkpoint_path: "ckpt-125"\n')
    write_text(folder.forecast_table, FORECAST)
    with hold(run.lock, "train"), hold(folder.lock, "run_study.py large"):
        lines = _status(study, folder, RATES, done=44)
    assert lines[0] == "large: 200 runs: 44 done, 1 running, 1 failed, 154 waiting"
    assert lines[1].startswith("the study is run by pid ") and "(run_study.py large, since " in lines[1]
    assert lines[2] == "running:"
    assert lines[3].startswith("  one small 2.5 % draw 0 seed 0: step 125 of 500, 1 min left; pid ")
    assert "(train, since " in lines[3] and lines[4] == "failed:"
    assert lines[5] == ("  two big 2.5 % draw 3 seed 0: the loss is not finite at step 40 (4 tries); "
                        f"{folder.run(failed).log}")
    assert lines[6].startswith("left: ") and lines[6].endswith(" min, 4 runs at a time")
    assert lines[7:] == [
        "rates of small, big: GPU (NVIDIA A100), 3 finished runs", "forecast:",
        "  one_big: 41.2 points of AP at 2,500 images from 5 sizes, 80 % interval 38.0 - 45.0, 7.0 wide",
        "  one_small: 20.0 points of AP at 2,500 images from 6 sizes, 80 % interval 15.0 - 26.0, 11.0 wide"]


def test_of_a_search_the_share_that_is_done_is_told(tmp_path, folder):
    study = large_study(tmp_path, search=Search(space={"learning_rate": [0.1, 0.2]}, trials=3, up_to=1))
    run = folder.run(Cell(1.0, "one", "big", searched=True))
    write_json(run.trial(0).ended, {})
    with hold(run.lock, "train"):
        lines = _status(study, folder, {})
    assert lines[1] == "running:"
    assert lines[2].startswith("  one big 1 % draw 0 seed 0 searched: 25 % of a search of 3 trials; pid ")


def test_a_finished_study_has_nothing_left(study, folder):
    assert _status(study, folder, RATES, done=200) == ["large: 200 runs: 200 done, 0 running, 0 failed, 0 waiting"]


@pytest.mark.parametrize(("rates", "lines"), [
    ({}, ["no rate of small, big: how long it takes is not known until a run is finished"]),
    ({"small": CPU}, ["left: 2 h 38 min and 100 runs of unknown length, 4 runs at a time",
                      "rates of small: CPU (2 cores), measured on a few images; a run is taken to have 2 cores",
                      "no rate of big: how long it takes is not known until a run is finished"]),
])
def test_the_time_left_is_as_far_as_it_is_known(study, folder, rates, lines):
    assert _status(study, folder, rates)[1:] == lines
