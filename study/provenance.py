"""Where a result comes from: the code, packages and machine that made it."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from study.config import REPOSITORY
from study.identity import versions

NOT_ROOMS = ("tests", "benchmarks")  # nothing in them takes part in a run
GIT_PATIENCE = 10  # seconds


def origin(device: str, libraries: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what makes results in this process: code, Python, packages, platform, host and device.

    `libraries` are versions besides those of Python packages, such as CUDA's.
    """
    packages = versions() | dict(libraries or {})
    return {"code": code_version(), "python": packages.pop("python"), "packages": packages,
            "platform": platform.platform(), "host": host(), "device": device}


@cache
def code_version() -> dict[str, Any]:
    """Return the commit, whether files that git knows differ from it, and a hash of all Python files that take part.

    Commit and `dirty` are None where git does not tell. The files are read once per process, as they are imported.
    """
    commit = _git("rev-parse", "HEAD") if (REPOSITORY / ".git").exists() else None
    status = _git("status", "--porcelain", "--untracked-files=no") if commit else None
    return {"commit": commit, "dirty": None if status is None else bool(status), "sha256": hash_of_code(REPOSITORY)}


def hash_of_code(root: Path) -> str:
    """Return a SHA-256 over the names and contents of the commands and rooms under `root`, in order of their names."""
    rooms = [path.parent for path in root.glob("*/__init__.py") if path.parent.name not in NOT_ROOMS]
    files = [*root.glob("*.py"), *(file for room in rooms for file in room.rglob("*.py"))]
    digest = hashlib.sha256()
    for name, file in sorted((file.relative_to(root).as_posix(), file) for file in files):
        digest.update(f"{name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def host() -> str:
    """Return this machine's name."""
    return platform.node()


def utc_now() -> str:
    """Return the time as 2026-01-31T12:00:00+00:00."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _git(*arguments: str) -> str | None:
    """Return what git prints about the repository, None where it cannot."""
    try:
        finished = subprocess.run(["git", "--no-optional-locks", "-C", str(REPOSITORY), *arguments], check=True,
                                  capture_output=True, text=True, timeout=GIT_PATIENCE)
    except (OSError, subprocess.SubprocessError):
        return None
    return finished.stdout.strip()
