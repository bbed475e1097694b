"""agent/store/snapshots.py: a copy is of one moment, whatever others write meanwhile."""

import threading
from datetime import UTC, datetime

import pytest

from agent.errors import StoreError
from agent.store import commands, snapshots
from agent.store.db import open_db

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        for number in range(300):
            commands.remember(db, f"c{number}", "ping", f'"{"x" * 500}"', NOW)
    return tmp_path / "latchkey.db"


def test_a_copy_is_of_one_moment_page_by_page_while_others_write(path, tmp_path):
    """Another connection writes between two steps of the copying, as the agent does: it neither waits nor is seen."""
    left = []
    with open_db(path) as db, open_db(path) as other:

        def write(remaining, _):
            left.append(remaining)
            commands.remember(other, f"later{len(left)}", "ping", "{}", NOW)

        size = snapshots.snapshot(db, tmp_path / "copy.db", write, pages=5)
        assert db.rows("SELECT count(*) FROM commands") == [(300 + len(left),)]
    assert len(left) > 10
    assert left == sorted(left, reverse=True)  # it never began anew
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "copy.db").stat().st_size == size
    with open_db(tmp_path / "copy.db", create=False) as copy:
        copy.check()
        assert copy.rows("SELECT count(*) FROM commands") == [(300,)]


def test_others_write_in_threads_of_their_own(path, tmp_path):
    stop = threading.Event()

    def write():
        with open_db(path) as db:
            number = 0
            while not stop.is_set():
                with db.transaction():
                    commands.remember(db, f"a{number}", "ping", "{}", NOW, keep=10**6)
                    commands.remember(db, f"b{number}", "ping", "{}", NOW, keep=10**6)
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with open_db(path) as db:
            for number in range(5):
                snapshots.snapshot(db, tmp_path / f"{number}.db", pages=3)
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        with open_db(tmp_path / f"{number}.db", create=False) as copy:
            counts = copy.rows("SELECT sum(id LIKE 'a%'), sum(id LIKE 'b%') FROM commands")[0]
            assert counts[0] == counts[1]


def test_what_is_raised_on_the_way_ends_it_and_lets_the_database_go(path, tmp_path):
    class Stop(BaseException):
        pass

    def stop(*_):
        raise Stop

    with open_db(path) as db:
        with pytest.raises(Stop):
            snapshots.snapshot(db, tmp_path / "copy.db", stop, pages=5)
        commands.remember(db, "after", "ping", "{}", NOW)
        assert not db.sql.in_transaction


def test_a_version_is_read_of_ours_alone(path, tmp_path):
    assert snapshots.version_of(path) == snapshots.schema_version()
    (tmp_path / "other.db").write_bytes(b"")
    with pytest.raises(StoreError, match="no database of Latchkey"):
        snapshots.version_of(tmp_path / "other.db")
