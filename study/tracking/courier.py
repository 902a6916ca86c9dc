"""The way to a service: a queue, a thread that empties it, and a process at its end that talks to the service."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Thread
from typing import Any

import msgspec

from study.config import REPOSITORY, Tracker

WAITING = 1000  # messages; more are dropped


class Courier:
    """Takes messages for one service. To send never waits and never raises.

    What goes wrong is said on stderr, in one line. At the end of this process what is still under way gets some
    seconds; then it is given up.
    """

    def __init__(self, tracker: Tracker):
        self._tracker, self._dropped, self._closed = tracker, 0, False
        self._queue: Queue[bytes | None] = Queue(WAITING)
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = Thread(target=self._deliver, name=f"tracking with {tracker.kind}", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def send(self, message: dict[str, Any]) -> None:
        """Hand a message on, or drop it where too many wait."""
        try:
            self._queue.put_nowait(json.dumps(message, default=str).encode() + b"\n")
        except Full:
            self._dropped += 1

    def close(self) -> None:
        """Wait a bounded time for what is under way."""
        if self._closed:
            return
        self._closed, until = True, time.monotonic() + self._tracker.patience
        with suppress(Empty):
            while self._queue.full():
                self._queue.get_nowait()
                self._dropped += 1
        self._queue.put(None)
        self._thread.join(self._tracker.patience)
        if self._process is not None and not _ends(self._process, max(0.1, until - time.monotonic())):
            self._process.kill()
            say(self._tracker, f"took more than {self._tracker.patience:g} s to take what was left; given up, the "
                               "run's own files are complete")
        elif self._dropped:
            say(self._tracker, f"too slow: {self._dropped} messages were dropped; the run's own files are complete")

    def _deliver(self) -> None:
        try:
            command = [sys.executable, "-P", "-m", "study.tracking", msgspec.json.encode(self._tracker).decode(),
                       str(os.getpid())]
            path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path})
            with self._process.stdin as stream:  # type: ignore[union-attr]
                while (line := self._queue.get()) is not None:
                    stream.write(line)
                    stream.flush()
        except Exception as error:  # a tracker that cannot be told is no reason to stop anything
            if not self._closed:
                say(self._tracker, f"{error}; the run goes on without it")


def say(tracker: Tracker, text: str) -> None:
    """Print one line on stderr that names the service."""
    where = f" ({tracker.uri})" if tracker.uri else ""
    print(f"tracking with {tracker.kind}{where}: {text}", file=sys.stderr, flush=True)


def _ends(process: subprocess.Popen, seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
