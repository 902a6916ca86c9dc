"""The process that talks to a service; `study.tracking.courier` starts it and writes it messages, a line each.

It never stops its parent from anything: what it cannot deliver it keeps and tries again, and it ends with its parent.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Protocol, TextIO

import msgspec

from datasets.files import read_json_if_whole, write_json
from study.config import Tracker

PAUSE = 10.0  # seconds after a failure before the next try
KEPT = 10_000  # messages of a run that wait for a service
GRACE = 10.0  # seconds to deliver what is left when the parent is gone
METRICS = 500  # in one call

Metric = tuple[str, float, int, float]  # name, value, step, seconds since 1970


class Service(Protocol):
    """One run at a service. Every call may raise anything."""

    id: str

    def check(self) -> None:
        """Raise whatever says that the service is not there."""
        ...

    def metrics(self, values: list[Metric]) -> None: ...

    def picture(self, path: str) -> None: ...

    def artefact(self, path: str) -> None: ...

    def end(self, status: str) -> None:
        """End it as finished, failed or stopped, or leave it open where `status` is empty."""
        ...


@dataclass(eq=False)
class Run:
    """A run, and what of it waits to be delivered."""

    opening: dict[str, Any]
    service: Service | None = None
    waiting: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT))


class Deliverer:
    """Delivers messages in their order, run by run; `out` is told once what goes wrong."""

    def __init__(self, tracker: Tracker, out: TextIO):
        self.tracker, self.out = tracker, out
        self.runs: list[Run] = []  # in the order they were opened, one of the same key again once it has ended
        self.not_before, self.failed, self.tried = 0.0, False, None

    def take(self, message: dict[str, Any]) -> None:
        """Keep a message until it can be delivered."""
        if message["do"] == "open":
            self.runs.append(Run(message))
        elif run := next((run for run in reversed(self.runs) if run.opening["run"] == message["run"]), None):
            run.waiting.append(message)

    def deliver(self, last: bool = False) -> None:
        """Deliver what waits, unless something went wrong a moment ago and this is not the `last` time."""
        if time.monotonic() < self.not_before and not (last and self.not_before < float("inf")):
            return
        for run in list(self.runs):
            try:
                self._deliver(run)
            except ImportError as error:
                self._fail(f"{error}; install requirements-trackers.txt", for_ever=True)
            except BaseException as error:  # libraries call sys.exit too
                self._fail(" ".join((str(error) or type(error).__name__).split()))
            if time.monotonic() < self.not_before:
                return

    def _deliver(self, run: Run) -> None:
        if run.service is None:
            run.service = _open(self.tracker, run.opening)
        while run.waiting:
            together = _together(run.waiting)
            again, self.tried = self.tried is together[0], together[0]
            try:
                _call(run.service, together)
            except Exception:
                if not again:
                    raise
                run.service.check()  # what a service that is there takes at no time is left out
            for _ in together:
                run.waiting.popleft()
            if together[0]["do"] == "end":
                self.runs.remove(run)

    def _fail(self, text: str, for_ever: bool = False) -> None:
        self.not_before = float("inf") if for_ever else time.monotonic() + PAUSE
        if not self.failed:
            where = f" ({self.tracker.uri})" if self.tracker.uri else ""
            print(f"tracking with {self.tracker.kind}{where}: {text[:240]}; the run goes on without it", file=self.out,
                  flush=True)
        self.failed = True


def _open(tracker: Tracker, opening: dict[str, Any]) -> Service:
    """Return the run at the service: the one that its folder has an id of, or a new one."""
    if tracker.kind == "mlflow":
        from study.tracking.mlflow_run import MlflowRun as Kind
    else:
        from study.tracking.clearml_task import ClearmlTask as Kind
    place = {"uri": tracker.uri, "project": opening["project"], "offline": tracker.offline}
    known = read_json_if_whole(opening["file"]) or {}
    same = {key: known.get(key) for key in place} == place
    service = Kind(tracker, opening, known["id"] if same else "")
    if known != place | {"id": service.id}:
        write_json(opening["file"], place | {"id": service.id})
    return service


def _together(waiting: deque[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the next message, or as many of metrics as come next and go into one call."""
    found, count = [waiting[0]], len(waiting[0].get("values", ()))
    for message in list(waiting)[1:]:
        count += len(message.get("values", ()))
        if found[0]["do"] != "metrics" or message["do"] != "metrics" or count > METRICS:
            break
        found.append(message)
    return found


def _call(service: Service, messages: list[dict[str, Any]]) -> None:
    first = messages[0]
    if first["do"] == "metrics":
        service.metrics([(name, value, message["step"], message["time"])
                         for message in messages for name, value in message["values"].items()])
    elif first["do"] == "end":
        service.end(first["status"])
    else:
        getattr(service, first["do"])(first["path"])


def _read() -> Iterator[list[bytes]]:
    """Yield the lines that have come, as they come, until there will be no more."""
    rest = b""
    while chunk := os.read(0, 1 << 16):
        *lines, rest = (rest + chunk).split(b"\n")
        yield lines


def _end_with(parent: int) -> None:
    """End this process some time after its parent, whatever it hangs in."""
    while os.getppid() == parent:
        time.sleep(1)
    time.sleep(GRACE)
    os._exit(1)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which says how this ends
    out = os.fdopen(os.dup(2), "w")
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)  # the libraries talk a lot
    os.dup2(sink, 2)
    Thread(target=_end_with, args=[int(sys.argv[2])], daemon=True).start()
    deliverer = Deliverer(msgspec.json.decode(sys.argv[1], type=Tracker), out)
    for lines in _read():
        for line in lines:
            deliverer.take(msgspec.json.decode(line))
        deliverer.deliver()
    deliverer.deliver(last=True)
    os._exit(0)  # nothing that the libraries have left for the end may hang


if __name__ == "__main__":
    main()
