"""Step 11: what this device holds of the roster, and the book of the service that keeps it."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    # What the device holds, tombstones too: a version that was seen once is never taken again
    """
    CREATE TABLE roster_objects (
        object TEXT PRIMARY KEY,  -- person/anna, rules, admin/KEY, device/SITE/NAME, service
        version INTEGER NOT NULL,  -- the highest that an admin has signed; 0: none was seen
        taken BLOB,  -- leaf of that version; NULL: none
        leaf BLOB NOT NULL CHECK (length(leaf) = 32),  -- of what the service gave last: counts in the tally
        ours INTEGER NOT NULL,  -- 0: it is for other devices
        code TEXT,  -- NULL: in force; else why not
        problem TEXT,
        document TEXT,  -- JSON: of devices and the service, what is in force
        waiting TEXT  -- JSON: what has a problem, to be tried again
    ) STRICT, WITHOUT ROWID
    """,
    # Whoever is forgotten is not kept as a problem either
    (
        "CREATE TRIGGER roster_forgets AFTER DELETE ON people"
        " BEGIN UPDATE roster_objects SET waiting = NULL WHERE object = 'person/' || old.id; END"
    ),
    "CREATE INDEX roster_problems ON roster_objects (object) WHERE code IS NOT NULL",
    """
    CREATE TABLE roster_state (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        cursor INTEGER NOT NULL,  -- everything up to this number was looked at
        head INTEGER NOT NULL,  -- the highest that was heard of
        tally BLOB NOT NULL,  -- over roster_objects
        service BLOB,  -- the service's public key; NULL: none was heard yet
        trouble TEXT  -- what is wrong with the service; NULL: nothing
    ) STRICT
    """,
    "INSERT INTO roster_state VALUES (1, 0, 0, zeroblob(512), NULL, NULL)",
    # The service's book: of each object the last document
    """
    CREATE TABLE book (
        object TEXT PRIMARY KEY,
        seq INTEGER NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        target TEXT NOT NULL,
        leaf BLOB NOT NULL,
        stub TEXT NOT NULL,  -- JSON: the document without its body
        document TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE book_history (
        seq INTEGER PRIMARY KEY,  -- 1, 2, 3
        object TEXT NOT NULL,
        version INTEGER NOT NULL,
        key TEXT NOT NULL,  -- whose it was
        issued TEXT NOT NULL,
        gone INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX book_history_of_object ON book_history (object, seq)",
    """
    CREATE TABLE book_state (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        seq INTEGER NOT NULL,  -- the last number
        tally BLOB NOT NULL  -- over the last documents of all objects
    ) STRICT
    """,
    "INSERT INTO book_state VALUES (1, 0, zeroblob(512))",
)
