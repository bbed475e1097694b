"""Step 6: punches, their corrections, and who is to work when."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    """
    CREATE TABLE punches (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,  -- that of its event
        person TEXT NOT NULL,  -- outlives the person's templates: retention says how long
        at TEXT NOT NULL,
        type TEXT NOT NULL,  -- in, out, break_start, break_end
        key TEXT,  -- the named key that was pressed
        job TEXT,  -- its job code
        by TEXT NOT NULL,  -- how the type was found: key, schedule, toggle, first_last, fixed
        repeat INTEGER NOT NULL,  -- within the window of the one before: shown, not counted
        site TEXT NOT NULL,
        device TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        uptime REAL NOT NULL,  -- seconds, CLOCK_BOOTTIME: for re-timing
        clock TEXT NOT NULL  -- synchronised, unsynchronised, rtc, unknown
    ) STRICT
    """,
    "CREATE INDEX punches_of_person ON punches (person, at)",
    "CREATE INDEX punches_at ON punches (at)",
    "CREATE INDEX punches_untimed ON punches (boot_id) WHERE clock = 'unsynchronised'",
    """
    CREATE TABLE corrections (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- later ones win
        id TEXT NOT NULL UNIQUE,
        punch TEXT,  -- id of the punch or correction that it corrects; NULL: a punch that was missing
        person TEXT NOT NULL,
        void INTEGER NOT NULL,  -- the punch does not count
        at TEXT,  -- the right time
        type TEXT,  -- the right type
        job TEXT,
        by TEXT NOT NULL,
        why TEXT NOT NULL,
        made_at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX corrections_of_person ON corrections (person)",
    "CREATE INDEX corrections_of_punch ON corrections (punch) WHERE punch IS NOT NULL",
    """
    CREATE TABLE rosters (
        person TEXT NOT NULL,
        starts_at TEXT NOT NULL,  -- UTC
        ends_at TEXT NOT NULL,
        source TEXT NOT NULL,  -- the file it came from
        PRIMARY KEY (person, starts_at)
    ) STRICT, WITHOUT ROWID
    """,
)
