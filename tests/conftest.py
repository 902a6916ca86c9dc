"""What all tests share: Ctrl-C works in the processes that they start, and no machine is too slow for them."""

import signal

from hypothesis import settings

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def pytest_configure() -> None:
    """Take back SIGINT, which shells make processes in the background ignore, and these all that they start."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
