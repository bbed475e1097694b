"""Step 4: what is known of people beside their faces: groups, validity, consent, PINs, cards."""

from __future__ import annotations

from typing import Final

_TABLES = ("people", "memberships", "pins", "cards")
_BUMP = "BEGIN UPDATE register SET version = version + 1; END"

STEP: Final[tuple[str, ...]] = (
    "ALTER TABLE people ADD COLUMN badge TEXT",
    "CREATE UNIQUE INDEX people_badge ON people (badge) WHERE badge IS NOT NULL",
    (
        "ALTER TABLE people ADD COLUMN state TEXT NOT NULL DEFAULT 'active'"
        " CHECK (state IN ('active', 'suspended', 'left', 'blocked'))"
    ),
    "ALTER TABLE people ADD COLUMN valid_from TEXT",  # NULL: always was
    "ALTER TABLE people ADD COLUMN valid_to TEXT",  # NULL: for good
    "ALTER TABLE people ADD COLUMN left_at TEXT",  # when the state became 'left': retention counts from here
    "ALTER TABLE people ADD COLUMN factors TEXT",  # as in the rules, "card+pin"; NULL: what the door asks for
    "ALTER TABLE people ADD COLUMN extended INTEGER NOT NULL DEFAULT 0",  # needs more time at the door
    "ALTER TABLE people ADD COLUMN visitor INTEGER NOT NULL DEFAULT 0",  # forgotten when valid_to is past
    "ALTER TABLE people ADD COLUMN notes TEXT NOT NULL DEFAULT ''",
    """
    CREATE TABLE memberships (
        person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE ON UPDATE CASCADE,
        "group" TEXT NOT NULL,
        PRIMARY KEY (person, "group")
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE consents (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE ON UPDATE CASCADE,
        given INTEGER NOT NULL,  -- 0: withdrawn
        at TEXT NOT NULL,
        text TEXT NOT NULL,  -- which text was agreed to: its name and version
        by TEXT NOT NULL  -- who took it down
    ) STRICT
    """,
    "CREATE INDEX consents_of_person ON consents (person)",
    """
    CREATE TABLE pins (
        person TEXT PRIMARY KEY REFERENCES people (id) ON DELETE CASCADE ON UPDATE CASCADE,
        hash TEXT NOT NULL,  -- scrypt, with its parameters and salt
        duress TEXT,
        set_at TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE cards (
        digest TEXT PRIMARY KEY,  -- keyed: a leaked database holds no card number
        person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE ON UPDATE CASCADE,
        hint TEXT NOT NULL,  -- the last characters, for people to tell cards apart
        added_at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX cards_of_person ON cards (person)",
    """
    CREATE TABLE former_ids (
        was TEXT PRIMARY KEY,  -- renamed, or merged into somebody: events and the audit go on naming it
        person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE ON UPDATE CASCADE
    ) STRICT
    """,
    "CREATE INDEX former_ids_of_person ON former_ids (person)",
    """
    CREATE TABLE undone (
        event TEXT PRIMARY KEY,  -- whose match was wrong: "this was not me"
        person TEXT NOT NULL,
        at TEXT NOT NULL,
        by TEXT NOT NULL
    ) STRICT
    """,
    "CREATE TABLE register (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL) STRICT",
    "INSERT INTO register VALUES (1, 0)",
    *(
        f"CREATE TRIGGER register_{change}_{table} AFTER {change} ON {table} {_BUMP}"
        for table in _TABLES
        for change in ("insert", "update", "delete")
    ),
    # What has nothing to do with faces does not make the gallery be loaded again
    "DROP TRIGGER gallery_update_people",
    (
        "CREATE TRIGGER gallery_update_people AFTER UPDATE OF id, name ON people"
        " BEGIN UPDATE gallery SET version = version + 1; END"
    ),
)
