from dataclasses import replace

import msgspec
import pytest

from datasets.errors import InputError
from datasets.files import write_json, write_text
from study.config import DetectorConfig, Recipe, Repeats, Runtime, Tuning
from study.layout import StudyFolder
from study.matrix import Cell, cells
from study.rates import (
    Rate,
    cores_of,
    device_of,
    is_of_gpu,
    keep_rate,
    line,
    measured_rates,
    records_of,
    seconds_of,
    spell,
    steps_of,
)
from study.search import Search
from tests.small import make_study, write_dataset

RATE = Rate(start=10, step=0.5, image=0.1, judge=5, record=0.01, device="CPU (2 cores)")
RECIPE = Recipe(batch_size=4, epochs=2, min_steps=20)
VALIDATION = 7  # images, of the small data set


@pytest.fixture
def study(tmp_path):
    detectors = tuple(DetectorConfig(name=name, width=0.1, input_size=64, stored_size=64, recipes={"scaled": RECIPE})
                      for name in ("tiny", "other"))
    return make_study(write_dataset(tmp_path / "data"), detectors=detectors, draws=Repeats(up_to=10, count=2))


@pytest.fixture
def folder(tmp_path):
    return StudyFolder(tmp_path / "study")


def _with(study, **recipe):
    detector = study.detectors[0]
    changed = msgspec.structs.replace(detector, recipes={"scaled": msgspec.structs.replace(RECIPE, **recipe)})
    return msgspec.structs.replace(study, detectors=(changed, *study.detectors[1:]))


def _finish(folder, cell, steps, seconds, evaluated=2.0, **more):
    write_json(folder.run(cell).result, {
        "cell": {}, "steps": steps, "resumed_at": 0, "train_seconds": seconds, "evaluate_seconds": evaluated,
        "device": "training on CPU (2 cores)", "metrics": [{"metric": "AP"}]} | more)


@pytest.mark.parametrize(("recipe", "images", "steps"), [
    (Recipe(steps=200_000), 10, 200_000),
    (Recipe(batch_size=10, epochs=3, min_steps=1), 100, 30),
    (Recipe(batch_size=10, epochs=3, min_steps=1), 101, 31),
    (Recipe(batch_size=10, epochs=3, min_steps=500), 100, 500),
    (Recipe(batch_size=10, epochs=30, min_steps=1, max_steps=200), 100, 200),
    (Recipe(batch_size=16, epochs=0.5, min_steps=1), 16, 1),
])
def test_steps_follow_the_recipe_and_the_subset(recipe, images, steps):
    assert steps_of(recipe, images) == steps


@pytest.mark.parametrize(("tuning", "added"), [
    (None, 0), (Tuning(hold_out=5, every=10), 5 + 5 * 0.05 * 100 * 0.1),
    (Tuning(hold_out=5, every=10, then="whole"), 5 + 5 * 0.05 * 100 * 0.1 + 10 + 25),
])
def test_a_run_is_its_start_steps_looks_and_judgement(study, tuning, added):
    """Fifty steps on a hundred images; of these five are held out and looked at five times."""
    assert seconds_of(_with(study, tuning=tuning), Cell(50, "paint", "tiny"), 100, 30, RATE) == pytest.approx(
        10 + 25 + added + 5 + 3)


@pytest.mark.parametrize(("space", "then", "trained"), [
    ({"learning_rate": [0.1, 0.2]}, "best", 2 * 35), ({"learning_rate": [0.1, 0.2]}, "whole", 3 * 35),
    ({"epochs": [4.0]}, "best", 35 + 60), ({"epochs": [4.0]}, "whole", 35 + 60 + 60),
    ({"batch_size": [8]}, "best", 35 + 10 + 25 * 1.0), ({"batch_size": [2]}, "best", 35 + 10 + 50),
    ({"width": [0.2]}, "best", 35 + 110),
])
def test_a_search_is_its_trials_at_most_and_its_best_again(study, space, then, trained):
    """Two trials, the recipe's own and one more; each looks at two images of twenty, every hundred steps or once."""
    recipe = msgspec.structs.replace(RECIPE, learning_rate=0.3)
    study = _with(study, learning_rate=recipe.learning_rate)
    study = msgspec.structs.replace(study, search=Search(space=space, trials=2, hold_out=10, every=100, then=then))
    cell = Cell(50, "paint", "tiny", searched=True)
    looks = 2 * (5 + 0.1 * 100 * 0.1)
    assert seconds_of(study, cell, 100, 30, RATE) == pytest.approx(trained + looks + 5 + 3)


@pytest.mark.parametrize(("pairs", "start", "slope", "expected"), [
    ([(200, 30), (400, 50), (800, 90)], 0, 0, (10, 0.1)),
    ([(200, 30), (400, 50), (800, 90), (400, 500), (600, 70)], 0, 0, (10, 0.1)),  # a slow one does not bend it
    ([(200, 30), (210, 29)], 10, 0, (10, (0.1 + 19 / 210) / 2)), ([(200, 30)], 0, 0, (0, 0.15)),
    ([(200, 5)], 10, 0, (0, 0.025)),  # shorter than a start that was measured under load
    ([(200, 30), (400, 20)], 0, 0, (0, 0.1)), ([], 3, 4, (3, 4)), ([(100, 10), (200, 24)], 5, 5, (0, 0.14)),
])
def test_what_a_step_takes_is_told_from_the_start(pairs, start, slope, expected):
    assert line(pairs, start, slope) == pytest.approx(expected)


def test_rates_are_those_of_finished_runs(study, folder):
    _finish(folder, Cell(10.0, "paint", "tiny"), 20, 12)
    _finish(folder, Cell(10.0, "paint", "tiny", 1), 40, 14, evaluated=2.2)
    _finish(folder, Cell(50.0, "paint", "tiny"), 400, 18, resumed_at=320)  # the last process trained 80 steps
    assert measured_rates(study, folder) == {"tiny": Rate(
        start=pytest.approx(10), step=pytest.approx(0.1), image=pytest.approx(2 / VALIDATION), judge=0,
        device="CPU (2 cores)", runs=3)}


@pytest.mark.parametrize(("more", "steps"), [
    ({"chosen": "last"}, 100), ({"chosen": "whole"}, 100), ({"chosen": "best"}, 300),
    ({"chosen": "whole", "timed_steps": 400}, 400), ({"chosen": "last", "timed_steps": 100, "resumed_at": 60}, 100),
])
def test_the_steps_that_were_timed_count(study, folder, more, steps):
    _finish(folder, Cell(10.0, "paint", "tiny"), 100, 30, tuning_steps=300, **more)
    assert measured_rates(study, folder)["tiny"].step == pytest.approx(30 / steps)


@pytest.mark.parametrize("more", [{"resumed_at": 100}, {"train_seconds": 0.0, "resumed_at": 100}])
def test_a_run_that_found_nothing_left_to_train_says_nothing_of_steps(study, folder, more):
    _finish(folder, Cell(10.0, "paint", "tiny"), 100, 30, **more)
    assert measured_rates(study, folder) == {}
    keep_rate(study, folder, study.detectors[0], RATE)
    rate = measured_rates(study, folder)["tiny"]
    assert (rate.step, rate.start) == (RATE.step, RATE.start)


def test_searched_runs_have_batches_and_widths_of_their_own(study, folder):
    study = msgspec.structs.replace(study, search=Search(space={"width": [0.2]}))
    _finish(folder, Cell(10.0, "paint", "tiny", searched=True), 100, 30)
    assert measured_rates(study, folder) == {}


def test_the_device_with_most_runs_counts(study, folder):
    for cell in cells(study)[:4]:
        _finish(folder, replace(cell, detector="tiny"), 100, 30)
    _finish(folder, Cell(100.0, "paint", "tiny"), 100, 2, device="training on GPU (NVIDIA A100), one of 8")
    assert measured_rates(study, folder)["tiny"].device == "CPU (2 cores)"


def test_what_was_measured_is_kept_until_runs_say_more(study, folder):
    assert measured_rates(study, folder) == {}
    for detector in study.detectors:
        keep_rate(study, folder, detector, RATE)
    assert measured_rates(study, folder) == {"tiny": RATE, "other": RATE}
    _finish(folder, Cell(10.0, "paint", "tiny"), 20, 30)
    found = measured_rates(study, folder)
    assert found["other"] == RATE and found["tiny"] == replace(
        RATE, step=1.0, runs=1, judge=0, image=pytest.approx(2 / VALIDATION))  # judged faster than was measured


@pytest.mark.parametrize("changed", ["input_size", "runtime", "batch_size"])
def test_what_was_measured_of_another_network_is_not_taken(study, folder, changed):
    keep_rate(study, folder, study.detectors[0], RATE)
    if changed == "input_size":
        smaller = msgspec.structs.replace(study.detectors[0], input_size=32)
        study = msgspec.structs.replace(study, detectors=(smaller,))
    elif changed == "runtime":
        study = msgspec.structs.replace(study, runtime=Runtime(xla=True))
    else:
        study = _with(study, batch_size=8)
    assert measured_rates(study, folder) == {}
    assert measured_rates(_with(study, batch_size=4, learning_rate=0.1), folder) == (
        {"tiny": RATE} if changed == "batch_size" else {})


@pytest.mark.parametrize(("write", "fragment"), [
    (lambda folder: write_json(folder.rates, {"tiny": 3}), "rates.json: not the rates of this version .*; delete it"),
    (lambda folder: write_text(folder.rates, '{"tiny": ['), "rates.json: not the rates of this version .*; delete it"),
    (lambda folder: write_json(folder.run(Cell(10.0, "paint", "tiny")).result, {"steps": 3}),
     "result.json: not a result file of this version"),
])
def test_files_of_another_version_are_named(study, folder, write, fragment):
    write(folder)
    with pytest.raises(InputError, match=fragment):
        measured_rates(study, folder)


@pytest.mark.parametrize("damaged", [b"", b'{"steps": 3', b"\xff\xfe", b'{"steps": 3, "device": "\xff"}'])
def test_a_damaged_result_is_one_that_is_not_there(study, folder, damaged):
    _finish(folder, Cell(10.0, "paint", "tiny"), 20, 30)
    result = folder.run(Cell(10.0, "paint", "tiny", 1)).result
    result.parent.mkdir(parents=True)
    result.write_bytes(damaged)
    assert measured_rates(study, folder)["tiny"].runs == 1


@pytest.mark.parametrize(("sentence", "device", "cores", "gpu"), [
    ("training on CPU (2 cores)", "CPU (2 cores)", 2, False),
    ("no GPU found: training on CPU (1 core)", "CPU (1 core)", 1, False),
    ("measured on GPU (NVIDIA A100), one of 8", "GPU (NVIDIA A100)", 0, True),
    ("training on CPU (16 cores); there is a GPU that TensorFlow cannot use: install its CUDA packages with make",
     "CPU (16 cores)", 16, False),
])
def test_a_device_is_told_from_the_sentence_about_it(sentence, device, cores, gpu):
    assert device_of(sentence) == device
    rate = replace(RATE, device=device)
    assert (cores_of(rate), is_of_gpu(rate)) == (cores, gpu)


def test_records_are_the_validation_and_the_largest_subset_of_each_draw(study):
    assert records_of(study, 200, 30) == 30 + 200 + 20


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "1 s"), (12.4, "12 s"), (45, "1 min"), (89, "1 min"), (91, "2 min"), (3599, "1 h 0 min"),
    (7800, "2 h 10 min"), (86_400, "24 h 0 min"), (3 * 86_400 + 3600, "3 d 1 h"),
])
def test_times_are_spelled_in_two_units_at_most(seconds, text):
    assert spell(seconds) == text
