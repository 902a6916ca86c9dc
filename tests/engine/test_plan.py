import shlex
from dataclasses import replace

import msgspec
import pytest

from datasets.errors import InputError
from datasets.files import write_json
from engine import plan
from engine.plan import describe_plan, list_commands, measure_missing, sources
from engine.rows import SCRIPT, rows_of
from study.config import DatasetConfig, Repeats, Runtime
from study.layout import StudyFolder
from study.matrix import Cell, cells
from study.search import Search
from tests.engine.planned import CPU, FRACTIONS, GPU, large_study


@pytest.fixture
def folder(tmp_path):
    return StudyFolder(tmp_path / "my studies" / "large")


def _plan(study, folder, rates, workers=1):
    return describe_plan(study, folder, rows_of(study, folder, cells(study), rates), rates, workers)


def _parts(text):
    return [part.splitlines() for part in text.split("\n\n")]


def test_two_hundred_cells_are_forty_lines_small_subsets_first(tmp_path, folder):
    text = _plan(large_study(tmp_path), folder, {"small": GPU, "big": GPU}, workers=8)
    (title,), table, sums, notes = _parts(text)
    assert title == "large: 200 runs, in this order"
    assert len(table) == 1 + 40 and max(map(len, text.splitlines())) <= 120
    assert table[0].split() == ["run", "images", "steps", "draws", "seeds", "each", "in", "all", "state"]
    assert " ".join(table[1].split()) == "one big 1 % 25 500 0-10 0 1 min 10 min waiting"
    assert " ".join(table[-1].split()) == "two small 100 % 2,500 2,500 0 0 3 min 3 min waiting"
    assert [line.split()[2] for line in table[1::4]] == [f"{fraction:g}" for fraction in FRACTIONS]
    seconds = 50 * 31 + 0.05 * (46 * 500 + 750 + 1250 + 1875 + 2500)  # of a data set and a detector
    hours = f"{2 * seconds / 3600:.2f}"
    assert [line.split() for line in sums] == [
        ["detector", "runs", "to", "do", "GPU-hours", "to", "do"], ["big", "100", "100", hours, hours],
        ["small", "100", "100", hours, hours], ["in", "all", "200", "200", *[f"{4 * seconds / 3600:.2f}"] * 2]]
    assert notes == ["to do: 3 h 21 min, 1 run at a time; 26 min, 8 runs at a time",
                     "before them, records of 11,200 images, 11 s",
                     "rates of small, big: GPU (NVIDIA A100), 3 finished runs"]


def test_what_is_not_known_is_said(tmp_path, folder):
    _, table, sums, notes = _parts(_plan(large_study(tmp_path), folder, {"small": CPU}, workers=2))
    assert table[1].split() == ["one", "big", "1", "%", "25", "500", "0-10", "0", "waiting"]
    assert [line.split() for line in sums[:2]] == [
        ["detector", "runs", "to", "do", "core-hours", "to", "do"], ["big", "100", "100", "-", "-"]]
    assert " and 100 runs of unknown length, 1 run at a time; " in notes[0]
    assert notes[2:] == ["rates of small: CPU (2 cores), measured on a few images; a run is taken to have 2 cores",
                         "no rate of big: how long it takes is not known until a run is finished"]
    _, table, _, notes = _parts(_plan(large_study(tmp_path), folder, {}))
    assert table[0].split() == ["run", "images", "steps", "draws", "seeds", "state"]
    assert notes == ["before them, records of 11,200 images",
                     "no rate of small, big: how long it takes is not known until a run is finished"]


def test_hours_of_gpus_and_of_cores_are_not_added_up(tmp_path, folder):
    _, _, sums, _ = _parts(_plan(large_study(tmp_path), folder, {"small": CPU, "big": GPU}))
    assert sums[0].split() == ["detector", "runs", "to", "do", "GPU-hours", "to", "do", "core-hours", "to", "do"]
    assert [line.split()[-4:].count("-") for line in sums[1:]] == [2, 2, 0]


def test_a_run_on_several_gpus_takes_the_hours_of_each(tmp_path, folder):
    def hours(**runtime):
        study = large_study(tmp_path, runtime=Runtime(**runtime))
        return float(_parts(_plan(study, folder, {"small": GPU, "big": GPU}))[2][-1].split()[-1])

    assert hours(distribution="mirrored", replicas=4) == pytest.approx(4 * hours(), rel=0.01)


def test_a_search_takes_so_long_at_most(tmp_path, folder):
    study = large_study(tmp_path, search=Search(space={"learning_rate": [0.1, 0.2]}, trials=3, up_to=1))
    _, table, _, notes = _parts(_plan(study, folder, {"small": GPU, "big": GPU}))
    line = table[2].split()
    assert line[:5] == ["one", "big", "1", "%", "searched"] and line[9:12] == ["3", "at", "most"]
    assert notes[0].startswith("to do: at most ")


def test_what_is_done_or_failed_is_told_from_what_waits(tmp_path, folder):
    study = large_study(tmp_path)
    for draw in range(2):
        write_json(folder.run(Cell(1.0, "one", "big", draw)).failure, {"error": "diverged", "tries": 1})
    rows = rows_of(study, folder, cells(study), {"big": GPU})
    rows = [replace(row, state="done") if row.cell.draw > 8 else row for row in rows]
    text = describe_plan(study, folder, rows, {"big": GPU}, 1)
    assert "  2 done, 2 failed, 7 waiting\n" in text and "  2 done, 9 waiting\n" in text


def test_a_command_runs_from_anywhere_whatever_the_folders_are_called(tmp_path, folder):
    study = large_study(tmp_path, draws=Repeats(), search=Search(space={"learning_rate": [0.1, 0.2]}, up_to=1))
    rows = rows_of(study, folder, cells(study)[:4], {})
    rows = [replace(row, state=state) for row, state in zip(rows, ("done", "failed", "running", "waiting"))]
    first, last = list_commands(rows)
    common = [str(SCRIPT), f"{tmp_path}/my studies/large/study.yaml", "--studies", f"{tmp_path}/my studies"]
    assert shlex.split(first) == [*common, "one", "big", "1", "0", "0", "--searched", "--wait", "--evaluate"]
    assert shlex.split(last) == [*common, "one", "small", "1", "0", "0", "--searched", "--wait", "--evaluate"]
    assert SCRIPT.exists()


def test_where_rates_come_from_is_said_once(tmp_path):
    study = large_study(tmp_path)
    assert sources(study, {"small": replace(CPU, device="", runs=1), "big": GPU}) == [
        "rates of small: unknown device, 1 finished run", "rates of big: GPU (NVIDIA A100), 3 finished runs"]


def test_nothing_is_measured_where_all_is_known(tmp_path, folder, monkeypatch):
    rates = {"small": CPU, "big": GPU}
    monkeypatch.setattr(plan, "visible_gpus", lambda: 0)
    assert measure_missing(large_study(tmp_path), folder, rates) == rates
    assert not any(tmp_path.iterdir())


def test_data_that_are_not_at_hand_are_named_before_anything_is_measured(tmp_path, folder, capsys):
    study = large_study(tmp_path, datasets=(DatasetConfig(name="coco", root=str(tmp_path)),))
    with pytest.raises(InputError, match=r"annotations/instances_train\.json"):
        measure_missing(study, folder, {})
    assert capsys.readouterr().err == "" and not any(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_measured(tmp_path, capsys):
    (tmp_path / "studies").touch()
    folder = StudyFolder(tmp_path / "studies" / "large")
    with pytest.raises(InputError, match=r"rates.json: cannot be written, .* --studies, .*--no-estimate"):
        measure_missing(large_study(tmp_path), folder, {})
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_what_is_missing_is_measured_once_and_nothing_else_is_written(tmp_path, folder, monkeypatch, capsys):
    """On images of a data set that is not made yet, of which it makes a few elsewhere."""
    from detectors.runtime import start

    start()
    from train import timing

    monkeypatch.setattr(timing, "SECONDS", 0.0)
    monkeypatch.setattr(plan, "SAMPLE", 12)
    monkeypatch.setattr(plan, "visible_gpus", lambda: 1)
    study = large_study(tmp_path)
    small = msgspec.structs.replace(study.detectors[0], width=0.1)
    study = msgspec.structs.replace(study, detectors=(small, *study.detectors[1:]), bootstrap=20)
    found = measure_missing(study, folder, {"big": GPU, "small": CPU})  # on a CPU, where there is a GPU
    rate = found["small"]
    assert found["big"] == GPU and rate != CPU and rate.device and not rate.runs
    assert min(rate.start, rate.step, rate.image, rate.judge, rate.record) > 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [folder.rates]
    from study.rates import measured_rates

    assert measured_rates(study, folder) == {"small": rate}
    assert "measuring 1 detector on " in capsys.readouterr().err
