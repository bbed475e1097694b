"""A disk that is full, for real: a limit on how large files of this process may grow."""

import resource
from contextlib import contextmanager


@contextmanager
def full(size):
    """No file grows beyond so many bytes; Python ignores the signal, and writing fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
