"""A copy of the repository with small data in it, where the documents' commands are executed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.examples import ROOT, Command
from tests.docs.forks import LIMIT, Forks, Outcome
from tests.docs.rules import executed

LEFT_BEHIND = (".git", ".venv*", "studies", "data", "checkpoints", ".*_cache", ".hypothesis")
INTERPRETERS = (".venv/bin/python", ".venv-light/bin/python")
SHELL_SIGNS = ("|", ">", "<", ";", "&&", "$(", "\n")
PRELOAD = ("numpy", "pandas", "scipy.stats", "scipy.optimize", "matplotlib.pyplot", "msgspec", "yaml", "PIL.Image",
           "jinja2", "numba")
DIGITS = "generated: [240, 80]\n"  # instead of 2,500 and 600


class Workplace:
    """The copy, and the interpreter that runs its commands."""

    def __init__(self, root: Path, preload: tuple[str, ...] = PRELOAD):
        self.root = root
        ignored = shutil.ignore_patterns(*LEFT_BEHIND)
        shutil.copytree(ROOT, root, ignore=lambda folder, names: ignored(folder, names) if folder == str(ROOT) else ())
        with (root / "configs/datasets/digits.yaml").open("a", encoding="utf-8") as stream:
            stream.write(DIGITS)
        for interpreter in INTERPRETERS:
            self._link_interpreter(root / interpreter)
        self._environment = os.environ | {"PYTHONPATH": "", "MPLBACKEND": "agg", "TF_CPP_MIN_LOG_LEVEL": "3",
                                          "PATH": f"{root / '.venv/bin'}:{os.environ['PATH']}"}
        self._forks = Forks(root, preload, self._environment)
        self._prepared = root.with_name("prepared")

    def prepare(self, *arguments: str) -> None:
        """Write the data that are there for every document."""
        outcome = self._forks.run(["-m", "tests.docs.stand_ins", *arguments])
        assert outcome.status == 0, outcome.errors
        shutil.copytree(self.root, self._prepared, symlinks=True, copy_function=_copy)

    def run(self, command: Command) -> Outcome:
        """Execute a command as its rule says."""
        text = executed(command)
        words = shlex.split(text)
        if words[0] in INTERPRETERS and not any(sign in text for sign in SHELL_SIGNS):
            return self._forks.run(words[1:])
        done = subprocess.run(["bash", "-e", "-c", text], cwd=self.root, env=self._environment, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=LIMIT)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def run_program(self, text: str) -> Outcome:
        """Execute a Python program."""
        script = self.root / "shown.py"
        script.write_text(text, encoding="utf-8")
        return self._forks.run([script.name])

    def renew(self) -> None:
        """Put everything back as it was after `prepare`."""
        shutil.rmtree(self.root)
        shutil.copytree(self._prepared, self.root, symlinks=True, copy_function=_copy)

    def close(self) -> None:
        self._forks.close()

    @staticmethod
    def _link_interpreter(path: Path) -> None:
        """Put a starter of this interpreter, and links to what is installed beside it, where `make` puts them."""
        path.parent.mkdir(parents=True)
        for installed in Path(sys.executable).parent.iterdir():
            if not installed.name.startswith("python"):
                (path.parent / installed.name).symlink_to(installed)
        path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        path.chmod(0o755)


def _copy(source: str, target: str) -> None:
    """Copy a file, or link one that no command writes to."""
    if Path(source).suffix in (".jpg", ".png", ".pyc"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)
