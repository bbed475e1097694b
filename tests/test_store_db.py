"""Opening, transactions, damage, and who may have the database at once."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.errors import StoreError
from agent.store.db import agent_lock, open_db


@pytest.fixture
def path(tmp_path):
    return tmp_path / "latchkey.db"


def run_python(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def pragma(db, name):
    return db.rows(f"PRAGMA {name}")[0][0]


def people(db):
    return [row[0] for row in db.rows("SELECT id FROM people ORDER BY id")]


def add(sql, person):
    sql.execute("INSERT INTO people (id, name, enrolled_at) VALUES (?, ?, '')", (person, person))


def add_in_a_part(db, person):
    with db.transaction() as sql:
        add(sql, person)


def add_and_fail(db, person, inside=lambda sql: None):
    with db.transaction() as sql:
        add(sql, person)
        inside(sql)
        raise ZeroDivisionError


def test_a_new_database_is_durable_private_and_strict(path):
    old_umask = os.umask(0)
    try:
        with open_db(path.parent / "new" / "folder" / "a.db") as db, db.transaction() as sql:
            add(sql, "anna")
            assert (pragma(db, "journal_mode"), pragma(db, "synchronous"), pragma(db, "foreign_keys")) == ("wal", 2, 1)
            assert (pragma(db, "busy_timeout"), pragma(db, "secure_delete")) == (5000, 1)
            assert {row[-1] for row in db.rows("PRAGMA table_list") if not row[1].startswith("sqlite_")} == {1}
            files = list(db.path.parent.iterdir())
            assert len(files) == 3  # with -wal and -shm
            assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    finally:
        os.umask(old_umask)


def test_a_file_that_others_may_read_is_made_private(path):
    open_db(path).close()
    path.chmod(0o644)
    open_db(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_committed_is_there_after_opening_again(path):
    with open_db(path) as db, db.transaction() as sql:
        add(sql, "anna")
    with open_db(path, create=False) as db:
        assert people(db) == ["anna"]


def test_closing_twice_does_no_harm(path):
    db = open_db(path)
    db.close()
    db.close()
    with pytest.raises(StoreError, match="closed"):
        db.rows("SELECT 1")


def test_not_there_and_not_to_be_made(path):
    with pytest.raises(StoreError, match=r"no database at .*latchkey\.db: start the agent once"):
        open_db(path, create=False)
    assert not path.exists()


def test_a_transaction_that_fails_leaves_nothing(path):
    with open_db(path) as db:
        with pytest.raises(ZeroDivisionError):
            add_and_fail(db, "anna")
        assert people(db) == []
        with db.transaction() as sql:
            add(sql, "ben")
        assert people(db) == ["ben"]


def test_a_part_that_fails_leaves_the_rest_of_its_transaction(path):
    with open_db(path) as db:
        with db.transaction() as sql:
            add(sql, "anna")
            with pytest.raises(ZeroDivisionError):
                add_and_fail(db, "ben")
            with db.transaction():
                add(sql, "cleo")
        assert people(db) == ["anna", "cleo"]


def test_a_part_is_undone_with_the_whole(path):
    with open_db(path) as db:
        with pytest.raises(ZeroDivisionError):
            add_and_fail(db, "anna", inside=lambda sql: add_in_a_part(db, "ben"))
        assert people(db) == []


def test_an_error_from_outside_passes_through_as_it_is(path):
    with open_db(path) as db, pytest.raises(FileNotFoundError), db.transaction():
        raise FileNotFoundError


def test_a_row_that_breaks_a_rule_is_a_value_error(path):
    with open_db(path) as db:
        add_in_a_part(db, "anna")
        with pytest.raises(ValueError, match=r"UNIQUE constraint failed: people\.id"):
            add_in_a_part(db, "anna")


def test_a_number_that_is_too_large_is_told(path):
    with open_db(path) as db, pytest.raises(StoreError, match="a number is too large for the database"):
        db.rows("SELECT ?", (10**30,))


def test_a_text_that_is_no_utf8_is_told(path):
    with open_db(path) as db, pytest.raises(StoreError, match="a text that is no UTF-8"):
        db.rows("SELECT ?", ("\udcff",))


def test_whoever_waits_too_long_is_told(path):
    with open_db(path) as one, open_db(path) as other:
        other.sql.execute("PRAGMA busy_timeout = 50")
        with one.transaction(), pytest.raises(StoreError, match="locked for too long"), other.transaction():
            pass
        with other.transaction() as sql:
            add(sql, "anna")
        assert people(one) == ["anna"]


@pytest.mark.parametrize("size", [1, 100, 5000, 100_000])
def test_not_a_database(path, size):
    path.write_bytes(b"no" * size)
    with pytest.raises(StoreError, match=r"not a database|damaged|is the database of another"):
        open_db(path)
    assert path.read_bytes() == b"no" * size


def test_an_empty_file_becomes_a_database(path):
    path.touch()
    with open_db(path) as db:
        assert people(db) == []


def test_the_database_of_another_program_is_left_alone(path):
    with sqlite3.connect(path) as sql:
        sql.execute("CREATE TABLE songs (title TEXT)")
    sql.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program: choose another path"):
        open_db(path)
    assert path.read_bytes() == before


def filled(path):
    with open_db(path) as db, db.transaction() as sql:
        for i in range(2000):
            add(sql, f"person{i:05}" + "x" * 40)


def test_a_damaged_page_is_found_on_use_and_by_check(path):
    filled(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))
    with pytest.raises(StoreError, match=r"damaged.*(restore a backup)"), open_db(path) as db:
        people(db)
    with pytest.raises(StoreError, match="damaged"), open_db(path) as db:
        db.check()


def test_a_file_cut_short_is_damaged(path):
    filled(path)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(StoreError, match=r"damaged.*restore a backup"), open_db(path) as db:
        db.check()


def test_check_is_content_with_a_sound_one(path):
    filled(path)
    with open_db(path) as db:
        db.check()


def test_a_folder_is_not_a_database(path):
    path.mkdir()
    with pytest.raises(StoreError, match="unable to open database file"):
        open_db(path)


def test_a_folder_that_cannot_be_made(path):
    path.write_text("a file")
    with pytest.raises(StoreError, match="want a file in a folder"):
        open_db(path / "deeper" / "a.db")


def test_many_threads_make_one_database(path):
    barrier = threading.Barrier(8)

    def work(i):
        barrier.wait(30)
        with open_db(path) as db, db.transaction() as sql:
            add(sql, f"p{i}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    with open_db(path) as db:
        assert len(people(db)) == 8
        db.check()


MAKE = """
import sys; from pathlib import Path; from agent.store.db import open_db
print("ready", flush=True); sys.stdin.readline()
with open_db(Path(sys.argv[1])) as db, db.transaction() as sql:
    sql.execute("INSERT INTO people (id, name, enrolled_at) VALUES (?, '', '')", (sys.argv[2],))
"""


def test_many_processes_make_one_database(path):
    makers = [run_python(MAKE, path, f"p{i}") for i in range(4)]
    assert [maker.stdout.readline() for maker in makers] == ["ready\n"] * 4
    for maker in makers:
        maker.stdin.write("go\n")
        maker.stdin.flush()
    for maker in makers:
        maker.communicate(timeout=60)
    assert [maker.returncode for maker in makers] == [0] * 4
    with open_db(path) as db:
        assert people(db) == ["p0", "p1", "p2", "p3"]


HOLD = """
import sys; from pathlib import Path; from agent.store.db import agent_lock
with agent_lock(Path(sys.argv[1])):
    print("held", flush=True); sys.stdin.readline()
"""


def test_a_second_agent_is_told_who_has_the_database(path):
    holder = run_python(HOLD, path)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(StoreError, match=rf"another agent \(process {holder.pid}\) uses .*latchkey\.db"):
        agent_lock(path).__enter__()
    open_db(path).close()  # the command line may
    holder.kill()  # the lock goes with its holder, however that ends
    holder.communicate(timeout=30)
    with agent_lock(path), pytest.raises(StoreError, match=str(os.getpid())), agent_lock(path):
        pass
    with agent_lock(path):
        pass


def test_counts_tell_the_rows_of_every_table(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        counts = db.counts()
    assert {table for table, rows in counts.items() if rows} == {
        *("gallery", "register", "retention", "models", "roster_state", "book_state"),  # one row each
    }
    assert {"people", "templates", "events", "punches", "audit"} <= counts.keys()
