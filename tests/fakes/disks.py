"""A disk that can be filled: a real one of a megabyte where root may mount it, else a database that may not grow."""

import contextlib
import ctypes
import os
from contextlib import contextmanager


class SmallDisk:
    """A file system of its own at `path`."""

    def __init__(self, path):
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, db):
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))

    def free(self, db):
        self._ballast.unlink()


class SmallDatabase:
    """Where nothing can be mounted: as full as its present pages."""

    def __init__(self, path):
        self.path = path

    def fill(self, db):
        db.sql.execute(f"PRAGMA max_page_count = {db.rows('PRAGMA page_count')[0][0]}")

    def free(self, db):
        db.sql.execute("PRAGMA max_page_count = 1000000")


@contextmanager
def small_disk(folder, kilobytes=1024):
    """The one or the other, in a folder."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={kilobytes}k".encode()):
        yield SmallDatabase(folder)
        return
    try:
        yield SmallDisk(folder)
    finally:
        libc.umount2(os.fsencode(folder), 2)  # MNT_DETACH
