import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.process import describe_status, last_line, run_process

ROOT = Path(__file__).resolve().parents[2]


def _sh(text: str) -> tuple[str, ...]:
    return "/bin/sh", "-c", text


@pytest.mark.parametrize(("text", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", -9)])
def test_the_exit_status_comes_back(tmp_path, text, status):
    assert run_process(_sh(text), tmp_path / "log") == status


def test_output_is_added_to_the_log(tmp_path):
    log = tmp_path / "new" / "log"
    for number in (1, 2):
        run_process(_sh(f"echo out {number}; echo err {number} >&2"), log)
    assert log.read_text() == "out 1\nerr 1\nout 2\nerr 2\n"


def test_it_runs_in_the_repository_with_the_environment_given(tmp_path):
    run_process(_sh("pwd; echo $WORD"), tmp_path / "log", os.environ | {"WORD": "given"})
    assert (tmp_path / "log").read_text() == f"{ROOT}\ngiven\n"


@pytest.mark.parametrize(("content", "line"), [
    (b"", ""), (b"error: first\nerror: the last\n", "the last"), (b"a\n\n  \n", "a"), (b"1 of 2\r2 of 2\n", "2 of 2"),
    (b"x" * 9000 + b"\nend", "end"), (b"\xff\xfe", "\ufffd\ufffd"),
])
def test_the_last_line_of_a_log(tmp_path, content, line):
    (tmp_path / "log").write_bytes(content)
    assert last_line(tmp_path / "log") == line


def test_a_log_that_is_not_there_says_nothing(tmp_path):
    assert last_line(tmp_path / "log") == ""


@pytest.mark.parametrize(("status", "text"), [(3, "exit status 3"), (-9, "killed by SIGKILL"),
                                              (-99, "killed by signal 99")])
def test_a_status_in_words(status, text):
    assert describe_status(status) == text


def _start(tmp_path, command: str) -> tuple[subprocess.Popen, int]:
    """Start a process that runs `command` as a job, and return it and the job's process id."""
    program = ("import sys; from pathlib import Path; from engine.process import run_process\n"
               "run_process(('/bin/sh', '-c', sys.argv[1]), Path(sys.argv[2]))")
    parent = subprocess.Popen([sys.executable, "-c", program, f"echo $$; {command}", str(tmp_path / "log")], cwd=ROOT,
                              stderr=subprocess.PIPE)
    until = time.monotonic() + 300
    while not last_line(tmp_path / "log").isdigit():
        assert time.monotonic() < until and parent.poll() is None
        time.sleep(0.02)
    return parent, int(last_line(tmp_path / "log"))


def _has_ended(process: int) -> bool:
    until = time.monotonic() + 300
    while time.monotonic() < until:
        if not Path(f"/proc/{process}").exists() or "\nState:\tZ" in Path(f"/proc/{process}/status").read_text():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends a process with its parent")
def test_a_job_ends_with_the_process_that_started_it(tmp_path):
    parent, job = _start(tmp_path, "sleep 600")
    parent.kill()
    parent.communicate()
    assert _has_ended(job)


def test_ctrl_c_asks_the_job_to_stop_first(tmp_path):
    parent, job = _start(tmp_path, f"trap 'touch {tmp_path}/asked; exit 0' TERM; while :; do sleep 0.05; done")
    parent.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in parent.communicate(timeout=300)[1]
    assert (tmp_path / "asked").exists() and _has_ended(job)
