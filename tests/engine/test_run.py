import msgspec
import pytest

from engine import run
from engine.run import takes_ray
from study.config import Runtime
from study.matrix import Cell
from tests.small import make_study

PLAIN, SEARCHED = Cell(10.0, "paint", "tiny"), Cell(10.0, "paint", "tiny", searched=True)


@pytest.mark.parametrize(("waiting", "workers", "address", "variable", "gpus", "there", "taken"), [
    ([PLAIN] * 3, None, "", "", 0, True, False), ([PLAIN] * 3, None, "", "", 1, True, False),
    ([PLAIN] * 3, None, "", "", 2, True, True), ([PLAIN], None, "", "", 2, True, False),
    ([PLAIN] * 3, None, "", "", 2, False, False), ([PLAIN], 1, "", "", 0, True, True),
    ([PLAIN], None, "HOST:1", "", 0, True, True), ([PLAIN], None, "", "HOST:1", 0, True, True),
    ([PLAIN, SEARCHED], None, "", "", 0, True, True), ([PLAIN, SEARCHED], None, "", "", 0, False, False),
    ([PLAIN], 2, "", "", 0, False, True),  # asked for, and refused where it connects
])
def test_ray_is_taken_where_it_is_asked_for_or_of_use(monkeypatch, tmp_path, waiting, workers, address, variable, gpus,
                                                      there, taken):
    monkeypatch.setenv("RAY_ADDRESS", variable)
    monkeypatch.setattr(run, "visible_gpus", lambda: gpus)
    monkeypatch.setattr(run, "has_ray", lambda: there)
    assert takes_ray(make_study(tmp_path), waiting, workers, address) == taken


@pytest.mark.parametrize("distribution", ["mirrored", "multi_worker"])
def test_a_run_on_several_devices_takes_those_of_this_machine(monkeypatch, tmp_path, distribution):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(run, "visible_gpus", lambda: 4)
    study = msgspec.structs.replace(make_study(tmp_path), runtime=Runtime(distribution=distribution))
    assert not takes_ray(study, [PLAIN] * 3, None, "")


def test_the_trials_of_a_search_are_processes_however_many_devices_a_run_takes(monkeypatch, tmp_path):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(run, "visible_gpus", lambda: 4)
    monkeypatch.setattr(run, "has_ray", lambda: True)
    searched = Cell(PLAIN.fraction, PLAIN.dataset, PLAIN.detector, searched=True)
    for distribution, taken in (("one_device", True), ("mirrored", True), ("multi_worker", False)):
        study = msgspec.structs.replace(make_study(tmp_path), runtime=Runtime(distribution=distribution))
        assert takes_ray(study, [PLAIN, searched], None, "") == taken
