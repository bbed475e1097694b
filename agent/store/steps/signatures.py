"""Step 17: how people sign."""

from __future__ import annotations

from typing import Final

_BUMP: Final = "BEGIN UPDATE register SET version = version + 1; END"

STEP: Final[tuple[str, ...]] = (
    """
    CREATE TABLE signatures (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- ascends with time
        -- No ON UPDATE CASCADE: as a template, it is sealed for its person
        person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
        model TEXT NOT NULL,  -- id of the encoder
        key TEXT NOT NULL,  -- fingerprint of the key that seals this
        vector BLOB NOT NULL CHECK (length(vector) > 0),  -- float32, little-endian, turned and sealed
        added_at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX signatures_of_person ON signatures (person, model)",
    *(
        f"CREATE TRIGGER register_{change}_signatures AFTER {change} ON signatures {_BUMP}"
        for change in ("insert", "update", "delete")
    ),
)
