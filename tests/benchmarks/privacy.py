"""Forgetting one of 1,000 people among 100,000 events, and checking a chain of 20,000 changes.

`.venv/bin/python -m tests.benchmarks.privacy [EVENTS]`. Prints the figures; asserts nothing of them.
"""

import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.audit import audit
from agent.config import Config
from agent.privacy.export import held
from agent.privacy.forgetting import forget
from agent.register import Request
from agent.store import audit as chain
from agent.store import events
from agent.store.db import Db, open_db
from tests.benchmarks.outbox import BODY

PEOPLE, CHANGES = 1000, 20_000
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def fill(db: Db, count: int) -> None:
    """Everybody comes about as often."""
    with db.transaction() as sql:
        for n in range(PEOPLE):
            sql.execute("INSERT INTO people (id, name, enrolled_at) VALUES (?, ?, ?)", (f"p{n:04}", f"Name {n}", "2026"))
        for n in range(count):
            who = f"p{n % PEOPLE:04}"
            body = {**BODY, "person": who, "detail": f"0.71 to {who}, need 0.52"}
            events.append(db, "access", NOW + timedelta(seconds=n), "b1", body)
        for n in range(CHANGES):
            audit(db, "changed", f"p{n % PEOPLE:04}", Request("cli:root", NOW, "b1"), {"groups": ["staff"]})


def timed(what: str, seconds: float) -> None:
    print(f"{what}: {seconds:.2f} s")


def main(count: int) -> int:
    """Prints the figures; the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        config = Config.model_validate({"device": {"data_dir": folder}})
        with open_db(config.database_path) as db:
            fill(db, count)
            print(f"{PEOPLE} people, {count} events, {CHANGES} changes: {Path(db.path).stat().st_size / 2**20:.0f} MiB")
            began = time.perf_counter()
            held(db, config, "p0500", NOW)
            timed("all that is held about one person", time.perf_counter() - began)
            began = time.perf_counter()
            forget(db, config, "p0500", Request("cli:root", NOW, "b1"), vacuum=False)
            timed("forgetting one", time.perf_counter() - began)
            began = time.perf_counter()
            db.vacuum()
            timed("writing the file anew", time.perf_counter() - began)
            began = time.perf_counter()
            broken = chain.verify(db)
            timed(f"checking the chain ({'broken' if broken else 'whole'})", time.perf_counter() - began)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
