"""A database that this agent may not use: exit 2 and one line that says why."""

import sqlite3

from agent.store.migrations import STEPS
from tests.end_to_end.patience import wait_for
from tests.end_to_end.pictures import visit
from tests.end_to_end.terminal import refused


def test_a_database_of_a_newer_version(make_terminal, pictures):
    terminal = make_terminal()
    terminal.show([pictures.empty])
    terminal.seed(ada=pictures.ada)
    with sqlite3.connect(terminal.database) as sql:
        sql.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    sql.close()
    before = terminal.database.read_bytes()
    refused(terminal, terminal.database, "newer", len(STEPS) + 1)
    refused(terminal, terminal.database, "newer", command=("people", "list"))
    assert terminal.database.read_bytes() == before


def test_a_database_that_is_none(make_terminal, pictures):
    terminal = make_terminal()
    terminal.show([pictures.empty])
    terminal.database.parent.mkdir()
    terminal.database.write_bytes(b"this is no database" * 1000)
    refused(terminal, terminal.database)
    assert terminal.database.read_bytes() == b"this is no database" * 1000


def test_the_second_agent_on_a_database_gives_way(make_terminal, pictures):
    terminal = make_terminal()
    terminal.seed(ada=pictures.ada)
    terminal.show(visit(pictures, "ada"))
    first = terminal.start()
    refused(terminal, "another agent", f"process {first.pid}", terminal.database)
    before = len(terminal.decisions())
    wait_for(lambda: len(terminal.decisions()) > before + 1, what="decisions of the first")
    first.kill()
    second = terminal.start()  # the dead leave nothing in the way
    assert second.stop() == 0
    terminal.check()
