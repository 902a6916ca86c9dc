"""What the processes of a training have taken, up to its last checkpoint."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from datasets.files import read_json_if_whole, write_json
from detectors.runtime import gpu_libraries
from study.config import Runtime
from study.energy import Meter, meter_of
from study.provenance import origin, utc_now
from train.strategy import runtime_settings


@dataclass
class Total:
    """Sums over processes and passes; the content of spent.json."""

    seconds: float = 0.0  # of training steps, without starts, looks and what a kill has lost
    joules: float | None = None  # in these; None where no device tells, or not in every process
    steps: int = 0  # trained in these, those of earlier passes included
    processes: int = 0
    started: str = ""  # UTC, of the first
    origins: list[dict[str, Any]] = field(default_factory=list)  # of the processes, alike ones once


class Spent:
    """Keeps the sums of a training. The file at `path` is the state; one that is damaged counts as none.

    `write` is False for a worker that leaves files to another.
    """

    def __init__(self, path: Path, origin: dict[str, Any], meter: Meter, write: bool = True):
        self._path, self._meter, self._write = path, meter, write
        self._began = self._joules = self._running = None
        self.total = _read(path)
        self._first = self.total.processes == 0
        self.total.started = self.total.started or utc_now()
        self.total.processes += 1
        if origin not in self.total.origins:
            self.total.origins.append(origin)

    @contextmanager
    def running(self, step: int) -> Iterator[None]:
        """Within the block the training runs, from `step` on."""
        self._began, self._joules, self._running = time.monotonic(), self._meter.joules(), step
        try:
            yield
        finally:
            self._running = None

    def mark(self, step: int) -> None:
        """Add what was taken since the last mark: there is a checkpoint at `step` now."""
        if self._running is None:
            return
        now, joules, total = time.monotonic(), self._meter.joules(), self.total
        total.seconds += now - self._began
        total.steps += step - self._running
        known = joules is not None and self._joules is not None and (self._first or total.joules is not None)
        total.joules = (total.joules or 0.0) + joules - self._joules if known else None
        self._began, self._joules, self._running, self._first = now, joules, step, False
        if self._write:
            write_json(self._path, asdict(total))


def begin(path: Path, device: str, runtime: Runtime, write: bool = True) -> Spent:
    """Return the sums that this process goes on with; `device` is the sentence on it.

    The energy of several machines is not known to any of them.
    """
    gpus = int(runtime_settings(runtime)["num_gpus"])
    meter = Meter([]) if runtime.distribution == "multi_worker" else meter_of(gpus)
    return Spent(path, origin(device, gpu_libraries()), meter, write)


def _read(path: Path) -> Total:
    content = read_json_if_whole(path)
    try:
        return Total(**content) if content else Total()
    except TypeError:
        return Total()
