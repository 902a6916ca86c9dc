import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from datasets.errors import InputError
from study.lock import hold, owner_of

ROOT = Path(__file__).resolve().parent.parent.parent
OTHER = """
import errno, fcntl, sys
from pathlib import Path
from datasets.errors import command
from study.lock import hold

def without(*_):
    raise OSError(getattr(errno, sys.argv[3]), "no locks here")

if sys.argv[3]:
    fcntl.flock = without

@command
def main():
    with hold(Path(sys.argv[1]), "the other one", wait=sys.argv[2] == "wait"):
        print("has it", flush=True)
        sys.stdin.readline()

sys.exit(main())
"""


@pytest.fixture(params=["", "ENOSYS", "ENOLCK", "EOPNOTSUPP"])
def error(request, monkeypatch):
    """What the file system says when asked for a lock; nothing where it gives one."""
    def without(*_):
        raise OSError(getattr(errno, request.param), "no locks here")

    if request.param:
        monkeypatch.setattr("fcntl.flock", without)
    return request.param


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder/run.lock"


@pytest.fixture
def start(path, error):
    """Return a function that starts a process which holds the lock until it reads a line."""
    processes = []

    def start(how="refuse"):
        processes.append(subprocess.Popen([sys.executable, "-c", OTHER, str(path), how, error], cwd=ROOT, text=True,
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def begun(process):
    assert process.stdout.readline() == "has it\n", process.stderr.read()
    return process


def test_another_process_is_refused_in_one_line_that_names_the_owner(start, path):
    first = begun(start())
    assert owner_of(path).startswith(f"pid {first.pid} on ") and "(the other one, since 2" in owner_of(path)
    second = start()
    _, line = second.communicate()
    assert second.returncode == 2 and line.count("\n") == 1
    assert line.startswith(f"error: {path.parent}: is in use by {owner_of(path)}; wait for it or stop it")
    with pytest.raises(InputError, match=f"is in use by pid {first.pid} on "), hold(path, "this one"):
        pass
    first.communicate("\n")
    assert first.returncode == 0 and owner_of(path) is None


def test_another_process_waits_if_told_to(start, path):
    first = begun(start())
    second = start("wait")
    assert second.stderr.readline() == f"{path.parent}: waiting for {owner_of(path)}\n"
    first.communicate("\n")
    assert begun(second) and owner_of(path).startswith(f"pid {second.pid} on ")
    _, said = second.communicate("\n")
    assert second.returncode == 0 and not said


def test_a_killed_owner_is_taken_over_from(start, path, capfd):
    first = begun(start())
    first.kill()
    first.communicate()
    assert path.read_text().startswith(f"pid {first.pid} on ") and owner_of(path) is None
    with hold(path, "this one"):
        said = capfd.readouterr().err
        assert said.startswith(f"{path.parent}: taken over from pid {first.pid} on ") and said.count("\n") == 1
        assert owner_of(path).startswith(f"pid {os.getpid()} on ")
    assert owner_of(path) is None
    with hold(path, "again"):
        assert not capfd.readouterr().err


def test_an_owner_that_is_stopped_lets_go(start, path):
    first = begun(start())
    first.send_signal(signal.SIGTERM)
    _, line = first.communicate()
    assert first.returncode == 143 and "give the same command again" in line
    assert path.read_text() == "" and owner_of(path) is None


def test_asking_for_the_owner_makes_nothing(path):
    assert owner_of(path) is None and not path.parent.exists()


def test_a_folder_that_cannot_be_written_is_an_error_of_the_disk(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError) as error, hold(tmp_path / "file/folder/run.lock", "this one"):
        pass
    assert error.value.errno in (errno.ENOTDIR, errno.EEXIST)
