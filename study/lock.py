"""One process at a time: a lock that names its owner, and is free as soon as the owner is dead.

The kernel holds it (flock) and lets go when its owner ends, however that ends and whatever the clock says. Where the
file system has no such locks, a marker beside the file stands for one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.errors import InputError

if TYPE_CHECKING:
    from filelock import BaseFileLock

PATIENCE = 1.0  # seconds to try for: who asks `owner_of` takes a free lock for an instant
_NO_FLOCK = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)  # of a file system without such locks, by its kind


@contextmanager
def hold(path: Path, doing: str, wait: bool = False) -> Iterator[None]:
    """Within the block this process owns what the lock file at `path` stands for, its folder; `doing` says what for.

    With `wait` it waits for another owner, and says so on stderr. A dead one is taken over from, which is said too.
    It is not for a second time in one process. Raises InputError naming the owner where there is another.
    """
    path = path.absolute()
    lock = _acquire(path, wait)
    try:
        if gone := _read(path):
            print(f"{path.parent}: taken over from {gone}, which is gone", file=sys.stderr, flush=True)
        path.write_text(f"pid {os.getpid()} on {platform.node()} ({doing}, since {_now()})", encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            os.truncate(path, 0)
        lock.release()


def owner_of(path: Path) -> str | None:
    """Return who holds the lock at `path` now, None for nobody. Nothing is written."""
    owner = _read(path)
    return owner if owner and not _is_free(path) else None


def _acquire(path: Path, wait: bool) -> BaseFileLock:
    """Return the lock once it is held. Raises InputError where another has it, unless told to wait."""
    from filelock import FileLock, SoftFileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, fallback_to_soft=False)  # which would take ENOSYS only, and the file that names the owner
    try:
        try:
            lock.acquire(timeout=PATIENCE)
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                raise
            lock = SoftFileLock(_marker(path))
            lock.acquire(timeout=PATIENCE)
    except Timeout:
        owner = _read(path) or "another process"
        if not wait:
            raise InputError(f"{path.parent}: is in use by {owner}; wait for it or stop it{_by_hand(path)}") from None
        print(f"{path.parent}: waiting for {owner}", file=sys.stderr, flush=True)
        lock.acquire(timeout=-1)
    return lock


def _is_free(path: Path) -> bool:
    """Tell whether nobody holds the lock at `path`, a file that exists, by sharing it for an instant."""
    with open(path, "rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                raise
    return _is_marker_free(_marker(path))


def _is_marker_free(marker: Path) -> bool:
    """Tell whether there is no marker, or one whose owner, on this machine, is dead."""
    from filelock import SoftFileLock, Timeout

    if not marker.exists():
        return True
    try:
        with SoftFileLock(marker).acquire(blocking=False):
            return True
    except Timeout:
        return False


def _marker(path: Path) -> Path:
    return path.with_name(f"{path.name}.marker")


def _by_hand(path: Path) -> str:
    """Return what else helps where a marker is left by a dead process of another machine, which nobody can tell."""
    return f", or delete {_marker(path)} if it is gone" if _marker(path).exists() else ""


def _read(path: Path) -> str:
    """Return who holds or held the lock at `path`, empty where it was let go."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return ""


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
