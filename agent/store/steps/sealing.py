"""Step 8: templates that are sealed, with the crop and the event they came from, and by which key."""

from __future__ import annotations

from typing import Final

_BUMP = "BEGIN UPDATE gallery SET version = version + 1; END"
_MEASURES = "face_px, sharpness, yaw, exposure, contrast, added_at"

STEP: Final[tuple[str, ...]] = (
    """
    CREATE TABLE sealed (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- ascends with time
        -- No ON UPDATE CASCADE: a template is sealed for its person, and moves by being sealed anew
        person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
        model TEXT NOT NULL,  -- id of the encoder
        key TEXT,  -- fingerprint of the key that seals this; NULL: not sealed yet, from an older version
        vector BLOB NOT NULL CHECK (length(vector) > 0),  -- float32, little-endian, turned and sealed
        crop BLOB,  -- JPEG, sealed; NULL: not kept
        event TEXT,  -- id of the event whose shot this is; NULL: a photo that was given
        face_px REAL NOT NULL,
        sharpness REAL NOT NULL,
        yaw REAL NOT NULL,
        exposure REAL NOT NULL,
        contrast REAL NOT NULL,
        added_at TEXT NOT NULL
    ) STRICT
    """,
    (
        f"INSERT INTO sealed (id, person, model, vector, {_MEASURES})"  # noqa: S608 - ours
        f" SELECT id, person, model, vector, {_MEASURES} FROM templates"
    ),
    # Ids are never used again, also those of templates that are gone
    (
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'sealed', seq FROM sqlite_sequence WHERE name = 'templates'"
        " AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'sealed')"
    ),
    (
        "UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM sqlite_sequence WHERE name IN ('templates', 'sealed'))"
        " WHERE name = 'sealed'"
    ),
    "DROP TABLE templates",
    "ALTER TABLE sealed RENAME TO templates",
    "CREATE INDEX templates_of_person ON templates (person, model)",
    "CREATE INDEX templates_plain ON templates (id) WHERE key IS NULL",
    "CREATE INDEX templates_of_event ON templates (event) WHERE event IS NOT NULL",
    *(
        f"CREATE TRIGGER gallery_{change}_templates AFTER {change} ON templates {_BUMP}"
        for change in ("insert", "update", "delete")
    ),
    """
    CREATE TABLE sealing (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        key TEXT NOT NULL,  -- fingerprint of the key that seals new rows
        cards BLOB NOT NULL,  -- sealed: what card numbers are hashed with, so that cards outlive a change of the key
        swept INTEGER NOT NULL  -- 0: what was there before sealing, or under another key, may still be in the file
    ) STRICT
    """,
)
