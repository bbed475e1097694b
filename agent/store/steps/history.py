"""Step 16: events by time and by person, for whoever pages through them; how the device was over the last days."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    "CREATE INDEX events_at ON events (at)",
    "CREATE INDEX events_person ON events (json_extract(body, '$.person'))",
    """
    CREATE TABLE samples (
        at TEXT PRIMARY KEY,
        fps REAL,
        latency_ms REAL,  -- of a frame with a face, the median
        temperature_celsius REAL,
        disk_free_bytes INTEGER,
        memory_bytes INTEGER,
        outbox_depth INTEGER,
        frames_dropped INTEGER  -- since the sample before
    ) STRICT, WITHOUT ROWID
    """,
)
