"""The energy that devices say they have taken, from counters that only rise.

A GPU counts for itself (NVML). A CPU counts for the whole package, with whatever else runs on it (RAPL, read through
Linux's powercap; root alone may read it on many systems).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Counter:
    """Joules since some moment, starting over from 0 at `wrap`; 0 never does."""

    read: Callable[[], float]
    wrap: float = 0.0


class Meter:
    """Sums what counters rise by. Read it often enough for none to wrap twice: a CPU's does within the hour."""

    def __init__(self, counters: Sequence[Counter]):
        self._counters, self._joules = list(counters), 0.0
        self._last = self._read()

    def joules(self) -> float | None:
        """Return the joules since the meter was made, None where no device tells."""
        now = self._read()
        for counter, before, after in zip(self._counters, self._last, now):
            self._joules += after - before + (counter.wrap if after < before else 0.0)
        self._last = now
        return round(self._joules, 3) if self._counters else None

    def _read(self) -> list[float]:
        try:
            return [counter.read() for counter in self._counters]
        except Exception:  # a driver that stops to tell: then nothing is known
            self._counters = []
            return []


def meter_of(gpus: int) -> Meter:
    """Return the meter of the first `gpus` GPUs that this process sees, or of the CPU where it uses none."""
    return Meter(gpu_counters(gpus, os.environ.get("CUDA_VISIBLE_DEVICES")) if gpus else cpu_counters())


def cpu_counters(powercap: Path = POWERCAP) -> list[Counter]:
    """Return a counter per CPU package, none where any cannot be read."""
    packages = [path for path in sorted(powercap.glob("intel-rapl:*")) if path.name.count(":") == 1]
    try:
        packages = [path for path in packages if (path / "name").read_text().startswith("package")]
        counters = [Counter(lambda path=path: _microjoules(path / "energy_uj"),
                            _microjoules(path / "max_energy_range_uj")) for path in packages]
        for counter in counters:
            counter.read()
    except (OSError, ValueError):
        return []
    return counters


def gpu_counters(count: int, visible: str | None) -> list[Counter]:
    """Return a counter per GPU, the first `count` of those that CUDA_VISIBLE_DEVICES names; none where any is silent.

    Numbers are taken as those of the bus, as CUDA counts GPUs of one kind.
    """
    try:
        import pynvml

        pynvml.nvmlInit()
        names = visible.split(",") if visible else [str(number) for number in range(pynvml.nvmlDeviceGetCount())]
        handles = [pynvml.nvmlDeviceGetHandleByIndex(int(name)) if name.strip().isdigit()
                   else pynvml.nvmlDeviceGetHandleByUUID(name.strip()) for name in names[:count]]
        counters = [Counter(lambda handle=handle: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000)
                    for handle in handles]
        for counter in counters:
            counter.read()
    except Exception:  # no driver, an old one, or a share of a GPU, which has no counter
        return []
    return counters if len(counters) == count else []


def _microjoules(path: Path) -> float:
    return int(path.read_text()) / 1e6
