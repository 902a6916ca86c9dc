"""Runs Python commands in forks of one interpreter that has imported the large packages already.

A fork is as much a process of its own as a new interpreter is, without the seconds that imports take. As a script,
`forks.py MODULE ...` imports the modules, then runs what it is told on its standard input, one JSON line per command.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

LIMIT = 300  # seconds


class Outcome(NamedTuple):
    status: int
    output: str
    errors: str


class Forks:
    """A warm interpreter that runs commands in `folder`."""

    def __init__(self, folder: Path, preload: Sequence[str], environment: dict[str, str]):
        self._folder = folder
        self._files = [folder.parent / f"{folder.name}.{name}" for name in ("out", "err")]
        self._server = subprocess.Popen([sys.executable, "-P", __file__, *preload], text=True,
                                        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, arguments: Sequence[str]) -> Outcome:
        """Run what `python ARGUMENTS` would: a script or -m MODULE, and its arguments."""
        job = {"arguments": list(arguments), "folder": str(self._folder), "files": [str(file) for file in self._files]}
        print(json.dumps(job), file=self._server.stdin, flush=True)
        status = int(self._server.stdout.readline())
        return Outcome(status, *(file.read_text(encoding="utf-8") for file in self._files))

    def close(self) -> None:
        self._server.stdin.close()
        self._server.wait()


def serve() -> None:
    """Run each line of the standard input in a fork, and answer with its exit status."""
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if not child:
            os._exit(_run_in_child(**job))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _run_in_child(arguments: list[str], folder: str, files: list[str]) -> int:
    os.chdir(folder)  # by name: it may be another one by now
    signal.alarm(LIMIT)
    for number, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    try:
        _execute(arguments)
        status = 0
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else int(left.code is not None)
        if isinstance(left.code, str):
            print(left.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _execute(arguments: list[str]) -> None:
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, os.path.dirname(os.path.abspath(arguments[0])))
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        importlib.import_module(name)
    serve()
