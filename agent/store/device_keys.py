"""The public keys of other devices of the site: who of them is believed."""

from __future__ import annotations

from datetime import datetime

from agent.store.db import Db
from agent.store.times import to_text
from agent.trust.keys import PublicKey


def device_keys(db: Db) -> dict[str, PublicKey]:
    """Return the keys by device."""
    return {device: PublicKey(bytes(key)) for device, key in db.rows("SELECT device, key FROM device_keys")}


def set_device_key(db: Db, device: str, key: PublicKey | None, at: datetime, by: str) -> bool:
    """Know a device by a key from now on, or by none; return whether that is new. The caller audits it."""
    with db.transaction() as sql:
        if key is None:
            return sql.execute("DELETE FROM device_keys WHERE device = ?", (device,)).rowcount > 0
        done = sql.execute(
            "INSERT INTO device_keys VALUES (?, ?, ?, ?) ON CONFLICT (device) DO UPDATE"
            " SET key = excluded.key, set_at = excluded.set_at, set_by = excluded.set_by WHERE key != excluded.key",
            (device, key.raw, to_text(at), by),
        )
        return done.rowcount > 0
