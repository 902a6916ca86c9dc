import errno
import os
import signal
import threading

import pytest

from datasets.errors import InputError, Terminated, command, nearest


@pytest.mark.parametrize(("name", "hint"), [("drws", "did you mean 'draws'?"), ("zzz", "valid: draws, seeds")])
def test_the_nearest_valid_name_is_offered(name, hint):
    assert nearest(name, ["seeds", "draws"]) == hint


@pytest.mark.parametrize(("error", "status", "line"), [
    (InputError("a.json: broken"), 2, "error: a.json: broken"),
    (OSError(errno.ENOSPC, "No space left on device", "out.json"), 2, "error: out.json: No space left on device"),
    (OSError(errno.EFBIG, "File too large", "out.json"), 2, "error: out.json: File too large; make room"),
    (RuntimeError("a.data: No space left on device [Op:SaveV2]"), 2, "error: No space left on device; make room"),
    (RuntimeError("a.data: File too large"), 2, "error: File too large; make room"),
    (RuntimeError("a.data: Disk quota exceeded"), 2, "error: Disk quota exceeded; make room"),
    (Terminated(), 143, "\nstopped; give the same command again"),
    (KeyboardInterrupt(), 130, "\nstopped; give the same command again"),
    (BrokenPipeError(), 141, ""),
])
def test_a_users_mistake_becomes_one_line_and_a_status(capsys, error, status, line):
    def main():
        raise error

    assert command(main)() == status
    err = capsys.readouterr().err
    assert err.startswith(line)
    assert err.strip().count("\n") == 0


def test_a_scheduler_stops_a_command_in_order(capsys):
    let_go, before = [], signal.getsignal(signal.SIGTERM)

    def main():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            let_go.append(True)

    assert command(main)() == 143 and let_go
    assert capsys.readouterr().err.strip() == "stopped; give the same command again to go on"
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_command_in_a_thread_leaves_signals_alone():
    statuses = []
    thread = threading.Thread(target=lambda: statuses.append(command(lambda: None)()))
    thread.start()
    thread.join()
    assert statuses == [0]


def test_success_is_status_zero():
    assert command(lambda: None)() == 0
    assert command(lambda: 3)() == 3


def test_our_own_mistakes_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        command(lambda: 1 / 0)()
