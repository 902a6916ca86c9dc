"""The one error of this project that a user is meant to read, and the door where it is printed."""

from __future__ import annotations

import errno
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches


class InputError(Exception):
    """Something the user gave cannot be used.

    The message is one line that names the file, the record in it and the remedy.
    """


class Terminated(KeyboardInterrupt):
    """SIGTERM: a scheduler wants its machine back."""


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the last where a process may not write more than so much
_DISK_ERRORS = (*FULL, errno.EACCES, errno.EPERM, errno.EROFS,
                errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EISDIR,
                errno.ENAMETOOLONG, errno.ELOOP)


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return a hint such as ``did you mean 'draws'?`` or the list of valid names."""
    valid = [str(v) for v in valid]
    close = get_close_matches(str(name), valid, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"valid: {', '.join(sorted(valid))}"


def is_disk_error(error: Exception) -> bool:
    """Tell whether an error is of the disk: full, or not to be written to or read from."""
    if isinstance(error, OSError):
        return error.errno in _DISK_ERRORS
    return any(os.strerror(number) in str(error) for number in FULL)


def command(main: Callable[..., int | None]) -> Callable[..., int]:
    """Wrap a command's main function: a user's mistake becomes one line on stderr and exit status 2.

    Ctrl-C and SIGTERM stop it alike, whatever it was doing, with 130 and 143. docs/commands.md lists all statuses.
    """

    @functools.wraps(main)
    def guarded(*args, **kwargs) -> int:
        try:
            with terminable(), flushed():
                return main(*args, **kwargs) or 0
        except InputError as error:
            print(f"error: {' '.join(str(error).split())[:600]}", file=sys.stderr)
            return 2
        except KeyboardInterrupt as error:
            print("\nstopped; give the same command again to go on", file=sys.stderr)
            return 143 if isinstance(error, Terminated) else 130
        except BrokenPipeError:
            return 141
        except OSError as error:
            if not is_disk_error(error):
                raise
            print(f"error: {str(error.filename or 'disk')[:200]}: {error.strerror}; make room or choose another place",
                  file=sys.stderr)
            return 2
        except Exception as error:  # TensorFlow's own class for a full disk, which this room must not import
            if not is_disk_error(error):
                raise
            full = next(text for text in map(os.strerror, FULL) if text in str(error))
            print(f"error: {full}; make room and give the same command again", file=sys.stderr)
            return 2

    return guarded


@contextmanager
def flushed() -> Iterator[None]:
    """After the block write out what stdout holds back, so that a closed pipe or a full disk is met here, once."""
    try:
        yield
    finally:
        try:
            if sys.stdout:
                sys.stdout.flush()
        except OSError:
            with suppress(OSError, ValueError):  # where stdout is no file of the system
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
            raise


@contextmanager
def terminable() -> Iterator[None]:
    """Within the block SIGTERM is raised as an error, as Ctrl-C is, so that files and locks are let go of."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
