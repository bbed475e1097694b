"""Step 7: the chain of changes, and the receipts of deletions."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    """
    CREATE TABLE audit (
        number INTEGER PRIMARY KEY,  -- 1, 2, 3: a gap is a broken chain
        at TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        by TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT,  -- a person, a door, "rules"
        details TEXT NOT NULL CHECK (json_valid(details)),
        hash TEXT NOT NULL  -- SHA-256 over the hash before and this row, hex
    ) STRICT
    """,
    """
    CREATE TABLE receipts (
        id TEXT PRIMARY KEY,
        at TEXT NOT NULL,
        person TEXT NOT NULL,
        by TEXT NOT NULL,
        rule TEXT NOT NULL,  -- why: asked for, or which retention
        what TEXT NOT NULL CHECK (json_valid(what))  -- counts by kind; nothing biometric
    ) STRICT
    """,
)
