"""Step 3: the answers to commands."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    """
    CREATE TABLE commands (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        verb TEXT NOT NULL,
        result TEXT NOT NULL CHECK (json_valid(result)),
        at TEXT NOT NULL
    ) STRICT
    """,
)
