"""Step 15: who may sign in to the admin page, and who failed to."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    """
    CREATE TABLE accounts (
        name TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        password TEXT NOT NULL,  -- Argon2id, with its parameters and salt
        secret BLOB,  -- of the second factor, sealed; NULL: it is to be set again
        factor_at TEXT,  -- when that was set
        last_step INTEGER NOT NULL DEFAULT 0,  -- the last 30 s for which a code was used: each counts once
        generation INTEGER NOT NULL DEFAULT 1,  -- one more, and whoever is signed in is no more
        added_at TEXT NOT NULL,
        added_by TEXT NOT NULL,
        changed_at TEXT NOT NULL,
        changed_by TEXT NOT NULL,
        signed_in_at TEXT,
        disabled_at TEXT  -- NULL: may sign in
    ) STRICT
    """,
    """
    CREATE TABLE recovery_codes (
        account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
        digest BLOB NOT NULL,  -- HMAC-SHA256 with the secret; gone once used
        PRIMARY KEY (account, digest)
    ) STRICT, WITHOUT ROWID
    """,
    # Names and addresses as keyed digests: what is typed as a name may be a password
    """
    CREATE TABLE sign_in_failures (
        whose BLOB PRIMARY KEY,
        count INTEGER NOT NULL,  -- in a row
        last TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX sign_in_failures_by_time ON sign_in_failures (last)",
    """
    CREATE TABLE familiar (
        account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
        address BLOB NOT NULL,  -- keyed digest: from where somebody has signed in
        last TEXT NOT NULL,
        PRIMARY KEY (account, address)
    ) STRICT, WITHOUT ROWID
    """,
    # Screens beyond this machine that may show the page at the wall
    """
    CREATE TABLE screens (
        name TEXT PRIMARY KEY,
        link BLOB,  -- SHA-256 of what is in the link, 256 random bits; NULL: it was used
        until TEXT,  -- the link is good
        token BLOB UNIQUE,  -- SHA-256 of the cookie; NULL: the link was not opened yet
        added_at TEXT NOT NULL,
        added_by TEXT NOT NULL
    ) STRICT
    """,
)
