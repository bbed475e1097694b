"""Step 9: whose commands are carried out, which other devices are believed, and the pairing that waits."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    """
    CREATE TABLE admins (
        id TEXT PRIMARY KEY,  -- of the key: the first 16 hexadecimal digits of its SHA-256
        key BLOB NOT NULL CHECK (length(key) = 32),  -- Ed25519, public
        name TEXT NOT NULL,  -- as in the audit; never given to another, but to the key that takes this one's place
        role TEXT NOT NULL,
        added_at TEXT NOT NULL,
        added_by TEXT NOT NULL,
        replaces TEXT REFERENCES admins (id),  -- the same holder's key before
        revoked_at TEXT,  -- NULL: in force
        revoked_by TEXT
    ) STRICT
    """,
    "CREATE UNIQUE INDEX admins_in_force ON admins (name) WHERE revoked_at IS NULL",
    """
    CREATE TABLE device_keys (
        device TEXT PRIMARY KEY,  -- of the same site
        key BLOB NOT NULL CHECK (length(key) = 32),  -- Ed25519, public
        set_at TEXT NOT NULL,
        set_by TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE pairing (
        one INTEGER PRIMARY KEY CHECK (one = 1),  -- one at a time
        nonce BLOB NOT NULL CHECK (length(nonce) = 16),  -- the device's
        secret BLOB NOT NULL CHECK (length(secret) = 32),  -- scrypt(code, nonce); never the code
        until TEXT NOT NULL,
        tries INTEGER NOT NULL CHECK (tries >= 0)  -- that are left
    ) STRICT
    """,
    "ALTER TABLE commands ADD COLUMN until TEXT",  # the command's not_after; NULL: of an older version
    "ALTER TABLE commands ADD COLUMN begun INTEGER NOT NULL DEFAULT 0",  # 1: not known to be done
)
