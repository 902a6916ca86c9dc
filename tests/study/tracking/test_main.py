import io
from types import SimpleNamespace

import pytest

from study.config import Tracker
from study.tracking import __main__ as child
from study.tracking.__main__ import METRICS, Deliverer


class Flaky:
    """A service that keeps what it is told, and raises the errors in `failures` first, one a call."""

    def __init__(self, failures):
        self.failures, self.kept, self.id = list(failures), [], "7"

    def __getattr__(self, name):
        def call(*arguments):
            if self.failures and (error := self.failures.pop(0)):
                raise error
            self.kept.append((name, *arguments))

        return call


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(value=0.0)
    monkeypatch.setattr(child, "time", SimpleNamespace(monotonic=lambda: now.value))
    return now


def deliverer(monkeypatch, service, unreachable=()):
    """Return a deliverer to `service`, whose opening raises the errors in `unreachable` first; and what it says."""
    left, out = list(unreachable), io.StringIO()

    def opened(*_):
        if left:
            raise left.pop(0)
        return service

    monkeypatch.setattr(child, "_open", opened)
    return Deliverer(Tracker(kind="mlflow", uri="http://there"), out), out


def metrics(step):
    return {"do": "metrics", "run": "a", "values": {"loss": 1.0}, "step": step, "time": 5.0}


OPEN, END = {"do": "open", "run": "a"}, {"do": "end", "run": "a", "status": "finished"}


def test_metrics_that_wait_together_go_in_one_call(monkeypatch, clock):
    service = Flaky([])
    to, out = deliverer(monkeypatch, service)
    for message in (OPEN, *map(metrics, range(METRICS + 1)), {"do": "picture", "run": "a", "path": "p"}, END):
        to.take(message)
    to.deliver()
    assert [name for name, *_ in service.kept] == ["metrics", "metrics", "picture", "end"]
    assert [len(call[1]) for call in service.kept[:2]] == [METRICS, 1]
    assert service.kept[0][1][3] == ("loss", 1.0, 3, 5.0)
    assert out.getvalue() == "" and to.runs == []


def test_a_service_that_comes_back_is_told_everything(monkeypatch, clock):
    service = Flaky([None, OSError("gone"), None])
    to, out = deliverer(monkeypatch, service, [OSError("not\nyet"), OSError("not yet")])
    for now, message in ((0, OPEN), (1, metrics(1)), (11, metrics(2)), (22, metrics(3)), (23, metrics(4)),
                         (24, metrics(5)), (40, END)):
        clock.value = now
        to.take(message)
        to.deliver()
    steps = [step for name, *values in service.kept if name == "metrics" for _, _, step, _ in values[0]]
    assert steps == [1, 2, 3, 4, 5] and service.kept[-1] == ("end", "finished")
    assert out.getvalue() == "tracking with mlflow (http://there): not yet; the run goes on without it\n"


def test_what_fails_twice_is_left_out_and_nothing_after_it(monkeypatch, clock):
    service = Flaky([ValueError("bad"), ValueError("bad")])
    to, _ = deliverer(monkeypatch, service)
    for message in (OPEN, {"do": "artefact", "run": "a", "path": "p"}, metrics(1), END):
        to.take(message)
    to.deliver()
    assert service.kept == []
    clock.value = 11
    to.deliver()
    assert [name for name, *_ in service.kept] == ["check", "metrics", "end"]


def test_nothing_is_left_out_as_long_as_the_service_is_away(monkeypatch, clock):
    gone = [OSError("gone")] * 2  # of a try and of the look at the service that follows a second one
    service = Flaky([*gone, *gone, *gone, OSError("gone")])
    to, _ = deliverer(monkeypatch, service)
    for now, message in ((0, OPEN), (1, metrics(1)), (12, metrics(2)), (23, metrics(3)), (34, metrics(4)), (45, END)):
        clock.value = now
        to.take(message)
        to.deliver()
    steps = [step for name, *values in service.kept if name == "metrics" for _, _, step, _ in values[0]]
    assert steps == [1, 2, 3, 4] and service.kept[-1] == ("end", "finished")


def test_the_last_time_does_not_wait_for_the_pause(monkeypatch, clock):
    service = Flaky([OSError("gone")])
    to, _ = deliverer(monkeypatch, service)
    for message in (OPEN, metrics(1)):
        to.take(message)
    to.deliver()
    to.deliver()
    assert service.kept == []
    to.deliver(last=True)
    assert [name for name, *_ in service.kept] == ["metrics"]


def test_a_library_that_is_not_there_is_not_looked_for_again(monkeypatch, clock):
    to, out = deliverer(monkeypatch, Flaky([]), [ImportError("No module named 'mlflow'")] * 2)
    for now in (0, 100):
        clock.value = now
        to.take(OPEN)
        to.deliver()
    to.deliver(last=True)
    assert out.getvalue() == ("tracking with mlflow (http://there): No module named 'mlflow'; install "
                              "requirements-trackers.txt; the run goes on without it\n")
