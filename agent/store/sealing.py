"""Stands in for the module of the same name that seals the database, until the two are merged."""

from __future__ import annotations

from agent.store.db import Db


def card_key(db: Db) -> bytes:
    """Return the secret that card numbers are hashed with."""
    return str(db.path).encode()
