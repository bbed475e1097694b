"""Step 7: the chain of changes, the receipts of deletions, and when old things were last forgotten."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    """
    CREATE TABLE audit (
        number INTEGER PRIMARY KEY,  -- 1, 2, 3: a gap is a broken chain
        at TEXT NOT NULL,  -- milliseconds, as in the event
        boot_id TEXT NOT NULL,
        action TEXT NOT NULL,
        "by" TEXT,  -- NULL with its salt: erased
        by_salt TEXT,
        by_digest TEXT NOT NULL,
        subject TEXT,  -- a person, a door, "rules"
        command_id TEXT,
        details TEXT,  -- canonical JSON; NULL with the salt: erased
        about_salt TEXT,
        about_digest TEXT NOT NULL,
        hash TEXT NOT NULL  -- SHA-256 over the hash before and this row, hex: agent.privacy.chain
    ) STRICT
    """,
    "CREATE INDEX audit_subject ON audit (subject) WHERE subject IS NOT NULL",
    # The last row that was removed from the front
    """
    CREATE TABLE audit_anchor (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        number INTEGER NOT NULL,
        hash TEXT NOT NULL
    ) STRICT
    """,
    # What the last start was made of: software, models, configuration
    "CREATE TABLE started (what TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    """
    CREATE TABLE receipts (
        id TEXT PRIMARY KEY,
        at TEXT NOT NULL,
        person TEXT NOT NULL,
        by TEXT NOT NULL,
        command_id TEXT,
        rule TEXT NOT NULL,  -- why: asked for, or which retention
        reason TEXT NOT NULL,  -- in the words of who asked
        what TEXT NOT NULL CHECK (json_valid(what))  -- counts by kind; nothing biometric
    ) STRICT
    """,
    "CREATE INDEX receipts_of_person ON receipts (person)",
    """
    CREATE TABLE retention (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        ran_at TEXT,
        doubted_at TEXT  -- when the clock had jumped too far to be believed at once
    ) STRICT
    """,
    "INSERT INTO retention VALUES (1, NULL, NULL)",
)
