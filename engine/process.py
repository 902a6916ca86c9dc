"""A job's process: its output in a log, its end tied to that of the process that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from study.config import REPOSITORY

LOOK = 0.5  # seconds between two looks at a process
PATIENCE = 20  # seconds that a process gets to stop when it is asked to
# The kernel ends the process with its parent; a parent that died in between has left it to another already.
TIED = ("import ctypes, os, sys\n"
        "ctypes.CDLL(None).prctl(1, 9)\n"
        "os.getppid() == int(sys.argv[1]) or sys.exit(137)\n"
        "os.execv(sys.argv[2], sys.argv[2:])\n")


def run_process(command: Sequence[str], log: Path, environment: Mapping[str, str] = os.environ) -> int:
    """Run `command` from the repository with its output added to `log`, and return its exit status.

    A negative status is the signal that ended it. Whatever ends this call early stops the process first.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as output:
        # A session of its own: a terminal's Ctrl-C reaches only the study, which stops its processes in order.
        process = subprocess.Popen(_tied(command), cwd=REPOSITORY, env=dict(environment), stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output, start_new_session=True)
        try:
            return _wait(process)
        finally:
            _stop(process)


def last_line(log: Path) -> str:
    """Return the last line that says something, for people: without a leading ``error:``."""
    try:
        with open(log, "rb") as stream:
            stream.seek(max(0, log.stat().st_size - 4096))
            lines = stream.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    said = [line.split("\r")[-1].strip() for line in lines if line.strip()]
    return said[-1].removeprefix("error: ")[:600] if said else ""


def describe_status(status: int) -> str:
    """Return an exit status as people read it."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def _tied(command: Sequence[str]) -> list[str]:
    """Return `command` such that it ends when this process does, where the system can do that."""
    if not sys.platform.startswith("linux"):
        return list(command)
    return [sys.executable, "-ISc", TIED, str(os.getpid()), *command]


def _wait(process: subprocess.Popen) -> int:
    """Wait for the process. A cancelled task is interrupted between two looks, not within a system call."""
    while True:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(LOOK)


def _stop(process: subprocess.Popen) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
