"""Step 1: who is enrolled, and the templates."""

from __future__ import annotations

from typing import Final

_BUMP = "BEGIN UPDATE gallery SET version = version + 1; END"


STEP: Final[tuple[str, ...]] = (
    "CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT NOT NULL, enrolled_at TEXT NOT NULL) STRICT",
    """
    CREATE TABLE templates (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- ascends with time
        person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
        model TEXT NOT NULL,
        vector BLOB NOT NULL CHECK (length(vector) > 0 AND length(vector) % 4 = 0),  -- float32, little-endian
        face_px REAL NOT NULL,
        sharpness REAL NOT NULL,
        yaw REAL NOT NULL,
        exposure REAL NOT NULL,
        contrast REAL NOT NULL,
        added_at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX templates_of_person ON templates (person, model)",
    "CREATE TABLE gallery (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL) STRICT",
    "INSERT INTO gallery VALUES (1, 0)",
    *(
        f"CREATE TRIGGER gallery_{change}_{table} AFTER {change} ON {table} {_BUMP}"
        for table in ("people", "templates")
        for change in ("insert", "update", "delete")
    ),
)
