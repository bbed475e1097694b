"""Step 5: the rules, the mode of the door, and how people stand with it."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    """
    CREATE TABLE rulebook (
        version INTEGER PRIMARY KEY AUTOINCREMENT,  -- the highest is in force
        text TEXT NOT NULL,  -- TOML, as it was given
        at TEXT NOT NULL,
        by TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE door (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        mode TEXT,  -- NULL: nobody has set one, the rules say which
        since TEXT,
        by TEXT,
        opened_on TEXT  -- the period, by its start, that the first authorised person has opened
    ) STRICT
    """,
    """
    CREATE TABLE door_orders (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        what TEXT NOT NULL,  -- unlock, lock, hold
        seconds REAL,  -- of an unlock
        expires REAL NOT NULL,  -- CLOCK_MONOTONIC, seconds: setting the clock makes no order live longer
        taken INTEGER NOT NULL DEFAULT 0,  -- before it is carried out: never twice
        answer TEXT  -- after that
    ) STRICT
    """,
    """
    CREATE TABLE standings (
        person TEXT PRIMARY KEY,  -- '': whoever shows credentials that nobody has
        failures INTEGER NOT NULL,  -- wrong PINs and cards in a row
        lockouts INTEGER NOT NULL,  -- in a row: each is twice as long as the one before
        locked_until TEXT,
        pin_at TEXT,  -- the last right PIN
        zone TEXT,  -- where the person is; '' is outside, NULL nobody knows
        zone_at TEXT
    ) STRICT
    """,
)
