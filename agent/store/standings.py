"""How people stand with this door: failures, lock-outs, the last PIN and signatures, the zone they are in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from agent.access.holder import Standing
from agent.access.standings import NEUTRAL
from agent.signature.judge import MARK_BYTES
from agent.store.db import Db
from agent.store.times import from_text, to_text

_SAVE = """
    INSERT OR REPLACE INTO standings (person, failures, lockouts, locked_until, pin_at, zone, zone_at, signed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


def load_standings(db: Db) -> dict[str, Standing]:
    """Return how everybody stands who did anything yet, by person; '' is whoever shows what nobody has."""
    rows = db.rows("SELECT person, failures, lockouts, locked_until, pin_at, zone, zone_at, signed FROM standings")
    return {
        person: Standing(failures, lockouts, _time(locked_until), _time(pin_at), zone, _time(zone_at), _marks(signed))
        for person, failures, lockouts, locked_until, pin_at, zone, zone_at, signed in rows
    }


def save_standings(db: Db, changes: Mapping[str, Standing]) -> None:
    """Store what has changed; who stands as if nothing had ever happened leaves no row.

    Args:
        db: in the transaction of the decision that they come from.
        changes: what `Doorkeeper.take_changes` returned.
    """
    neutral = [(person,) for person, standing in changes.items() if standing == NEUTRAL]
    others = [_row(person, standing) for person, standing in changes.items() if standing != NEUTRAL]
    with db.transaction() as sql:
        sql.executemany("DELETE FROM standings WHERE person = ?", neutral)
        sql.executemany(_SAVE, others)


def _row(person: str, standing: Standing) -> tuple[object, ...]:
    return (
        person,
        standing.failures,
        standing.lockouts,
        _text(standing.locked_until),
        _text(standing.pin_at),
        standing.zone,
        _text(standing.zone_at),
        b"".join(standing.signed) or None,
    )


def _marks(signed: bytes | None) -> tuple[bytes, ...]:
    return tuple(signed[at : at + MARK_BYTES] for at in range(0, len(signed), MARK_BYTES)) if signed else ()


def _time(text: str | None) -> datetime | None:
    return None if text is None else from_text(text)


def _text(at: datetime | None) -> str | None:
    return None if at is None else to_text(at)
