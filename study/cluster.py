"""Ray's door: a cluster in this process, or a running one by its address. Ray is imported when it is asked for."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from datasets.errors import InputError

ADDRESS = "RAY_ADDRESS"  # environment variable that Ray, too, takes a cluster's address from
USAGE = "RAY_USAGE_STATS_ENABLED"  # "0": nothing about a study is reported to anybody
OVERRIDE = "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"  # "0": a task that asks for no GPU keeps the sight of them
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")  # of a process's share of the CPUs
TIMEOUT = 10  # seconds until an address counts as unreachable
PATIENCE = 60  # seconds that something that listens gets to answer as Ray does: its machine may be busy


@dataclass(frozen=True)
class Resources:
    """What a cluster has: (CPUs, GPUs) of each of its nodes."""

    nodes: tuple[tuple[int, int], ...]

    @property
    def cpus(self) -> int:
        return sum(cpus for cpus, _ in self.nodes)

    @property
    def gpus(self) -> int:
        return sum(gpus for _, gpus in self.nodes)


def has_ray() -> bool:
    """Tell whether Ray is installed."""
    return importlib.util.find_spec("ray") is not None


def connect(address: str = "") -> Resources:
    """Start Ray in this process, or join the cluster at `address` (else in RAY_ADDRESS), and return what it has.

    A process that is connected already stays so. Raises InputError where Ray is absent or nobody answers.
    """
    if not has_ray():
        raise InputError("Ray is not installed; install requirements.txt (make study), or run without --workers and "
                         "--address, one run after another")
    os.environ.setdefault(OVERRIDE, "0")
    os.environ.setdefault(USAGE, "0")
    import ray

    logging.getLogger("ray").setLevel(logging.ERROR)
    address = address or os.environ.get(ADDRESS, "")
    if address not in ("", "auto", "local"):
        _knock(address)
    if not ray.is_initialized():
        with _own_sigterm():
            _join(address) if address not in ("", "local") else _start()
    return resources()


def disconnect() -> None:
    """Leave the cluster; one that was started here ends."""
    import ray

    ray.shutdown()


def resources() -> Resources:
    """Return what the nodes have that are alive on the cluster that this process is connected to."""
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return Resources(tuple((int(node.get("CPU", 0)), int(node.get("GPU", 0))) for node in nodes))


def address_here() -> str:
    """Return the address by which other processes join the cluster that this one is connected to."""
    import ray

    return ray.get_runtime_context().gcs_address


def visible_gpus() -> int:
    """Return how many NVIDIA GPUs this process may use, without starting TensorFlow or Ray."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None:
        return len([device for device in hidden.split(",") if device.strip() not in ("", "-1")])
    try:
        import pynvml

        pynvml.nvmlInit()
        return pynvml.nvmlDeviceGetCount()
    except Exception:  # no driver, or none of its libraries: there is no telling by which class it says so
        return 0


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep what SIGTERM does in this process: Ray would have it end with a stack trace, and no lock let go of."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _start() -> None:
    import ray

    try:
        # "local": without an address Ray joins whatever cluster somebody else has started on this machine.
        ray.init("local", num_cpus=_cores(), include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR,
                 configure_logging=False)
    except Exception as error:  # of no class of its own where the machine is too busy for Ray's patience of 30 s
        ray.shutdown()
        raise InputError(f"Ray does not start here ({_first_line(error)}); give the same command again when the "
                         "machine is less busy") from None


def _cores() -> int:
    """Return how many cores this process may use: under a scheduler fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _join(address: str) -> None:
    import ray

    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise InputError(f"Ray cluster {address}: cannot be joined ({_first_line(error)}); start one with ray start "
                         "--head and give the address that it prints") from None


def _knock(address: str) -> None:
    """Raise InputError unless something like Ray listens at `address`; Ray itself would try for minutes."""
    import socket

    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError(f"Ray cluster '{address}': give HOST:PORT, as ray start --head prints it, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), TIMEOUT).close()
    except OSError as error:
        raise InputError(f"Ray cluster {address}: nobody answers there ({error.strerror or error}); check the address, "
                         "or start one with ray start --head") from None
    if os.environ.get("RAY_USE_TLS", "0") == "0" and not _speaks_grpc(f"{host}:{port}"):
        raise InputError(f"Ray cluster {address}: what listens there is not Ray; give the address that ray start "
                         "--head prints")


def _speaks_grpc(address: str) -> bool:
    import grpc

    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(PATIENCE)
        except grpc.FutureTimeoutError:
            return False
    return True


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
