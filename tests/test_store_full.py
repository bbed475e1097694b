"""A full disk: refused loudly, nothing corrupt, and all well again when there is room."""

from __future__ import annotations

import ctypes
import errno
import os
from datetime import UTC, datetime

import pytest

from agent.errors import StoreError, StoreFull
from agent.store import events
from agent.store.db import open_db
from agent.store.faults import files_translated

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
BODY = {"text": "x" * 2000}


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB, where root may mount one."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(tmp_path), b"tmpfs", 0, b"size=1m"):
        pytest.skip(f"cannot mount a tmpfs here: {os.strerror(ctypes.get_errno())}")
    yield tmp_path
    libc.umount2(os.fsencode(tmp_path), 2)  # MNT_DETACH


def fill(db):
    """Append until it is refused; return what was recorded and the refusal."""
    recorded = []
    for _ in range(5000):
        try:
            recorded.append(events.append(db, "access", NOW, "boot", BODY))
        except StoreFull as full:
            return recorded, full
    raise AssertionError("it never got full")


def test_a_full_disk_refuses_loudly_and_recovers(small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(200_000))
    path = small_disk / "latchkey.db"
    with open_db(path) as db:
        recorded, refusal = fill(db)
        assert "full" in str(refusal)
        assert str(path) in str(refusal)
        assert len(recorded) > 10
        again, _ = fill(db)  # a small one may still fit after a large one did not
        recorded += again
        assert events.since(db, 0, 10_000) == recorded  # reading goes on, and nothing half-written is there
        ballast.unlink()
        recorded += [events.append(db, "access", NOW, "boot", {"n": 1})]
        db.check()
    with open_db(path) as db:
        db.check()
        assert events.since(db, 0, 10_000) == recorded
        assert [event.seq for event in recorded] == list(range(1, len(recorded) + 1))


def test_no_room_for_a_new_database(small_disk):
    (small_disk / "ballast").write_bytes(bytes(1024 * 1024))
    with pytest.raises(StoreFull, match=r"full|No space left"):
        open_db(small_disk / "latchkey.db")


def test_a_full_database_refuses_the_same_way(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        db.sql.execute("PRAGMA max_page_count = 60")
        recorded, refusal = fill(db)
        assert "free some space on its disk" in str(refusal)
        assert events.since(db, 0, 10_000) == recorded
        db.sql.execute("PRAGMA max_page_count = 1000")
        assert events.append(db, "access", NOW, "boot", BODY).seq == len(recorded) + 1
        db.check()


def test_a_full_disk_undoes_the_whole_transaction(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        db.sql.execute("PRAGMA max_page_count = 60")
        with pytest.raises(StoreFull), db.transaction():
            fill_without_end(db)
        assert events.count_unsent(db) == 0
        assert not db.sql.in_transaction


def fill_without_end(db):
    for _ in range(1000):
        events.append(db, "access", NOW, "boot", BODY)


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, StoreFull), (errno.EDQUOT, StoreFull), (errno.EACCES, StoreError)]
)
def test_what_the_file_system_says(tmp_path, number, kind):
    with pytest.raises(StoreError, match=os.strerror(number)) as caught, files_translated(tmp_path):
        raise OSError(number, os.strerror(number))
    assert type(caught.value) is kind
