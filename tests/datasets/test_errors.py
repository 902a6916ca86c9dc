import errno

import pytest

from datasets.errors import InputError, command, nearest


@pytest.mark.parametrize(("name", "hint"), [("drws", "did you mean 'draws'?"), ("zzz", "valid: draws, seeds")])
def test_the_nearest_valid_name_is_offered(name, hint):
    assert nearest(name, ["seeds", "draws"]) == hint


@pytest.mark.parametrize(("error", "status", "line"), [
    (InputError("a.json: broken"), 2, "error: a.json: broken"),
    (OSError(errno.ENOSPC, "No space left on device", "out.json"), 2, "error: out.json: No space left on device"),
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


def test_success_is_status_zero():
    assert command(lambda: None)() == 0
    assert command(lambda: 3)() == 3


def test_our_own_mistakes_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        command(lambda: 1 / 0)()
