"""How long the register takes to be read, and a PIN to be checked: `python -m tests.benchmarks.register [PEOPLE]`."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agent.pins import check_pin, hash_pin
from agent.store.db import Db, open_db
from agent.store.holders import load_register, register_version
from agent.store.people import list_people

PEOPLE = 50_000
GROUPS = 200
AT = "2026-11-26T06:00:00.000000Z"


def fill(db: Db, count: int) -> None:
    """Adds so many people, each with a badge, a PIN, a card and three of the groups."""
    ids = [f"p{number:05}" for number in range(count)]
    with db.transaction() as sql:
        sql.executemany(
            "INSERT INTO people (id, name, enrolled_at, badge, valid_to) VALUES (?, ?, ?, ?, ?)",
            [(id_, f"Person {id_}", AT, id_[1:], AT) for id_ in ids],
        )
        sql.executemany(
            "INSERT INTO memberships VALUES (?, ?)",
            [(id_, f"g{(n * step) % GROUPS}-{step}") for n, id_ in enumerate(ids) for step in (1, 7, 13)],
        )
        sql.executemany("INSERT INTO pins VALUES (?, 'hash', NULL, ?)", [(id_, AT) for id_ in ids])
        sql.executemany("INSERT INTO cards VALUES (?, ?, '1', ?)", [(f"d{id_}", id_, AT) for id_ in ids])


def main() -> None:
    """Prints the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE
    with tempfile.TemporaryDirectory() as folder, open_db(Path(folder) / "latchkey.db") as db:
        fill(db, count)
        for what, work in (
            ("load the register", lambda: len(load_register(db).people)),
            ("ask whether it changed", lambda: register_version(db)),
            ("list everybody", lambda: len(list_people(db))),
            ("list a page of 1,000 from the middle", lambda: len(list_people(db, after="p25000", limit=1000))),
            ("search names", lambda: len(list_people(db, search="ON P4999"))),
        ):
            print(f"{count} people: {what}: {best(work):.1f} ms")
    kept = hash_pin("4711")
    print(f"check a PIN: {best(lambda: check_pin('4711', kept)):.0f} ms")


def best(work: Callable[[], object], tries: int = 3) -> float:
    """Returns the shortest of some runs, milliseconds."""
    times = []
    for _ in range(tries):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times) * 1e3


if __name__ == "__main__":
    main()
