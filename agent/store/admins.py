"""Whose commands are carried out: the public keys of admins, each with its name and role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.store.db import Db
from agent.store.times import from_text, to_text
from agent.trust.keys import Admin, PublicKey
from agent.trust.roles import Role

ELSEWHERE = "elsewhere"
"""Who has revoked a key that the roster keeps for other devices alone: it may come back."""

_COLUMNS = "key, name, role, revoked_at"


@dataclass(frozen=True, slots=True)
class Entry:
    """An admin, and how the key came to be here."""

    admin: Admin
    added_at: datetime
    added_by: str
    replaces: str | None = None  # id of the same holder's key before


def find(db: Db, key_id: str) -> Admin | None:
    """Return the admin with the key of this id, revoked or not."""
    return next(map(_admin, db.rows(f"SELECT {_COLUMNS} FROM admins WHERE id = ?", (key_id,))), None)  # noqa: S608 - ours


def named(db: Db, name: str) -> list[Admin]:
    """Return all who had this name, or have it."""
    return [_admin(row) for row in db.rows(f"SELECT {_COLUMNS} FROM admins WHERE name = ?", (name,))]  # noqa: S608 - ours


def everyone(db: Db) -> list[Entry]:
    """Return all admins by name, also those whose keys are revoked, in the order in which they came."""
    query = f"SELECT {_COLUMNS}, added_at, added_by, replaces FROM admins ORDER BY name, rowid"  # noqa: S608 - ours
    return [Entry(_admin(row[:4]), from_text(row[4]), *row[5:]) for row in db.rows(query)]


def count(db: Db) -> int:
    """Return how many there are and ever were."""
    return int(db.rows("SELECT count(*) FROM admins")[0][0])


def add(db: Db, admin: Admin, at: datetime, by: str, *, replaces: str | None = None) -> None:
    """Add an admin; the key has to be new, and nobody else in force may have the name."""
    with db.transaction() as sql:
        sql.execute(
            "INSERT INTO admins (id, key, name, role, added_at, added_by, replaces) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (admin.key.id, admin.key.raw, admin.name, admin.role.value, to_text(at), by, replaces),
        )


def revoke(db: Db, key_id: str, at: datetime, by: str) -> None:
    """Let a key count no more; the first time stays, but for one that is elsewhere."""
    with db.transaction() as sql:
        sql.execute(
            "UPDATE admins SET revoked_at = ?, revoked_by = ? WHERE id = ? AND (revoked_at IS NULL OR revoked_by = ?)",
            (to_text(at), by, key_id, ELSEWHERE),
        )


def is_elsewhere(db: Db, key_id: str) -> bool:
    """Return whether a key is out of force because it is for other devices, and for no other reason."""
    return bool(db.rows("SELECT 1 FROM admins WHERE id = ? AND revoked_by = ?", (key_id, ELSEWHERE)))


def take_back(db: Db, key_id: str) -> None:
    """Let a key count again that was elsewhere."""
    with db.transaction() as sql:
        sql.execute(
            "UPDATE admins SET revoked_at = NULL, revoked_by = NULL WHERE id = ? AND revoked_by = ?",
            (key_id, ELSEWHERE),
        )


def _admin(row: tuple[Any, ...]) -> Admin:
    key, name, role, revoked_at = row
    return Admin(PublicKey(bytes(key)), name, Role(role), None if revoked_at is None else from_text(revoked_at))
