"""A disk that is full, for a file that grows beyond so many bytes."""

import resource
from contextlib import contextmanager


@contextmanager
def full_disk(size):
    """Within the block a file of this process that grows beyond `size` bytes meets an error, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
