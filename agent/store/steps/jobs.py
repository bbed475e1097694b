"""Step 10: commands that take long, and how far they are."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- in the order in which they are done
        id TEXT NOT NULL UNIQUE,  -- of the command
        verb TEXT NOT NULL,
        asked_by TEXT NOT NULL,
        body TEXT NOT NULL,  -- the arguments that were signed, JSON; '' once it is over
        state TEXT NOT NULL,  -- accepted, running, done, failed
        done INTEGER NOT NULL DEFAULT 0,
        total INTEGER,  -- NULL: nobody knows yet
        note TEXT NOT NULL DEFAULT '',
        code TEXT,  -- of a failure
        message TEXT,
        data TEXT,  -- of the answer, JSON
        tries INTEGER NOT NULL DEFAULT 0,  -- how often it was begun: one that kills the agent is not begun for ever
        cancelled_by TEXT,  -- NULL: go on
        accepted_at TEXT NOT NULL,
        changed_at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX jobs_unfinished ON jobs (number) WHERE state IN ('accepted', 'running')",
)
