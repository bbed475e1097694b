"""Step 9: whose commands are carried out."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    """
    CREATE TABLE admins (
        id TEXT PRIMARY KEY,  -- of the key: the first 16 hexadecimal digits of its SHA-256
        key BLOB NOT NULL CHECK (length(key) = 32),  -- Ed25519, public
        name TEXT NOT NULL UNIQUE,  -- as in the audit; never given to another key
        role TEXT NOT NULL,
        added_at TEXT NOT NULL,
        added_by TEXT NOT NULL,
        revoked_at TEXT,  -- NULL: in force
        revoked_by TEXT
    ) STRICT
    """,
)
