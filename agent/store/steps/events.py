"""Step 2: what happened, and what of it the broker has."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    """
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused, also when the newest were deleted
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        at TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        body TEXT NOT NULL CHECK (json_valid(body)),
        sent_at TEXT  -- NULL until the broker has acknowledged it: the outbox
    ) STRICT
    """,
    "CREATE INDEX events_unsent ON events (seq) WHERE sent_at IS NULL",
    "CREATE INDEX events_sent ON events (sent_at) WHERE sent_at IS NOT NULL",
)
