"""Step 13: which models are in force, and what other encoders make of the faces that are kept."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    """
    CREATE TABLE models (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        folder TEXT NOT NULL,  -- in data_dir/models: what is in force; '': what the configuration says
        since TEXT,
        previous TEXT,  -- the same of those before; NULL: there is nothing to go back to
        starts INTEGER  -- of the agent with these; NULL: they have proved good
    ) STRICT
    """,
    "INSERT INTO models VALUES (1, '', NULL, NULL, NULL)",
    # The vectors of encoders that are not in force: the next one's, the last one's
    """
    CREATE TABLE spares (
        template INTEGER NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
        encoder TEXT NOT NULL,
        key TEXT NOT NULL,  -- fingerprint of the key that turns and seals it
        vector BLOB NOT NULL CHECK (length(vector) > 0),
        PRIMARY KEY (template, encoder)
    ) STRICT, WITHOUT ROWID
    """,
)
