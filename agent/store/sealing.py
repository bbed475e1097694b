"""Which key seals the database, and how it gets under another one.

What is sealed under a key opens with that key alone; `bind` refuses any other, so that no row is ever written that the
rows beside it cannot be read with.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from agent.errors import StoreError
from agent.seal.sealing import BrokenSealError, Seal, belonging
from agent.seal.turning import Turn

if TYPE_CHECKING:
    from agent.store.db import Db

log = logging.getLogger(__name__)

STORED = np.dtype("<f4")
"""How vectors are kept, inside their seal."""
_CHUNK = 1000  # rows in memory at once


def sealed_by(db: Db) -> str | None:
    """Return the fingerprint of the key that seals the database; None where nothing was ever sealed."""
    rows = db.rows("SELECT key FROM sealing")
    return str(rows[0][0]) if rows else None


def holds_sealed(db: Db) -> bool:
    """Return whether there is anything that only that key opens."""
    asked = "SELECT EXISTS (SELECT 1 FROM templates, sealing WHERE templates.key = sealing.key)"
    others = ("cards", "signatures", "accounts WHERE secret IS NOT NULL")
    rest = "".join(f" OR EXISTS (SELECT 1 FROM {each})" for each in others)  # noqa: S608 - ours
    return bool(db.rows(asked + rest)[0][0])


@dataclass(frozen=True, slots=True)
class Whose:
    """What a template is sealed for: it opens for nobody else, and as no other encoder's."""

    person: str
    encoder: str  # id
    table: str = "templates"

    def close(self, seal: Seal, vector: bytes, crop: bytes | None = None) -> tuple[bytes, bytes | None]:
        """Return a vector and its crop, sealed."""
        return seal.close(vector, self.belongs("vector", seal)), crop and seal.close(crop, self.belongs("crop", seal))

    def open(self, seal: Seal, vector: bytes, crop: bytes | None = None) -> tuple[bytes, bytes | None]:
        """Return what was sealed.

        Raises:
            BrokenSealError: one of them does not open.
        """
        return seal.open(vector, self.belongs("vector", seal)), crop and seal.open(crop, self.belongs("crop", seal))

    def belongs(self, part: Literal["vector", "crop"], seal: Seal) -> bytes:
        """Return what a part is sealed with."""
        return belonging(self.table, part, self.person, self.encoder, seal.key.id)


def count_sealed(db: Db) -> int:
    """Return how many templates are sealed."""
    return int(db.rows("SELECT count(*) FROM templates WHERE key IS NOT NULL")[0][0])


def card_key(db: Db) -> bytes:
    """Return the secret that card numbers are hashed with: 32 bytes, the same for as long as the database lives.

    Raises:
        StoreError: the database was opened without the site's key, or this was tampered with.
    """
    seal, rows = db.seal, db.rows("SELECT cards FROM sealing")
    if not rows:
        raise StoreError(f"{db.path}: what the site's key seals was wiped: start the agent again, for a new one")
    try:
        return seal.open(rows[0][0], _of_cards(seal.key.id))
    except BrokenSealError as error:
        raise StoreError(
            f"{db.path}: the secret that card numbers are hashed with is {error}: restore a backup, or start over with "
            "`latchkey keys create --replace-lost`"
        ) from error


def check_bound(db: Db) -> None:
    """Refuse to write under a key that has been replaced since the database was opened; inside a transaction.

    Raises:
        StoreError: it has.
    """
    if sealed_by(db) != db.seal.key.id:
        raise StoreError(f"{db.path}: the site's key was changed meanwhile: do that again")


def bind(db: Db) -> None:
    """Seal the database with the key that it was opened with, and whatever an older version has left unsealed.

    Raises:
        StoreError: it is sealed with another key.
    """
    key = db.seal.key
    if sealed_by(db) != key.id:
        with db.transaction():
            known = sealed_by(db)
            if known is not None and known != key.id and holds_sealed(db):
                raise StoreError(wrong_key(str(db.path), known, key.id))
            if known != key.id:
                name_key(db, db.seal, key.card_key)
    if _plain(db):
        with db.transaction() as sql:
            sealed = _seal_plain(db)
            sql.execute("UPDATE sealing SET swept = 0")
        log.info("%d templates of an older version are sealed now", sealed)
    sweep(db)


def wrong_key(database: str, sealed: str, at_hand: str | None) -> str:
    """Return the message for a database whose key is not the one at hand."""
    there = "there is no site key here" if at_hand is None else f"the site's key here is {at_hand}"
    return (
        f"{database} is sealed with the key {sealed}, but {there}: restore that key (`latchkey keys import`), or give "
        "it up and enrol everybody again (`latchkey keys create --replace-lost`)"
    )


def sweep(db: Db) -> None:
    """Write the file anew where it may hold remains of what was sealed since, or under another key before."""
    if db.rows("SELECT 1 FROM sealing WHERE swept = 1"):
        return
    try:
        db.rows("VACUUM")
    except StoreError as error:  # another program has it: tried again when it is opened the next time
        log.warning("remains of unsealed templates may be left in the file: %s", error)
        return
    if db.wipe_log():
        with db.transaction() as sql:
            sql.execute("UPDATE sealing SET swept = 1")


def put(db: Db, seal: Seal, number: int, whose: Whose, vector: bytes, crop: bytes | None = None) -> None:  # noqa: PLR0917
    """Seal a template that is there for somebody; `vector` is float32, little-endian. Inside a transaction."""
    db.sql.execute(
        "UPDATE templates SET person = ?, model = ?, key = ?, vector = ?, crop = ? WHERE id = ?",
        (whose.person, whose.encoder, seal.key.id, *whose.close(seal, vector, crop), number),
    )


def _of_cards(key_id: str) -> bytes:
    return belonging("sealing", "cards", key_id)


def name_key(db: Db, seal: Seal, cards: bytes) -> None:
    """Note whose key seals the database from now on, with the secret of the cards. Inside a transaction."""
    db.sql.execute(
        "INSERT INTO sealing (one, key, cards, swept) VALUES (1, :key, :cards, 1)"
        " ON CONFLICT (one) DO UPDATE SET key = :key, cards = :cards",
        {"key": seal.key.id, "cards": seal.close(cards, _of_cards(seal.key.id))},
    )


def _plain(db: Db) -> bool:
    return bool(db.rows("SELECT 1 FROM templates WHERE key IS NULL LIMIT 1"))


def _seal_plain(db: Db) -> int:
    """Turn and seal the templates that an older version has kept as they came from the encoder."""
    seal, turns, done = db.seal, dict[int, Turn](), 0
    for number, person, model, vector, _ in rows_of(db, None):
        plain = np.frombuffer(vector, STORED)
        if len(plain) not in turns:
            turns[len(plain)] = Turn(seal.key, len(plain))
        turned = turns[len(plain)](plain.astype(np.float32))
        put(db, seal, number, Whose(person, model), turned.astype(STORED).tobytes())
        done += 1
    return done


def rows_of(db: Db, key_id: str | None) -> Iterator[tuple[int, str, str, bytes, bytes | None]]:
    """Every template of a key, a chunk at a time, so that the rows may change on the way."""
    last = 0
    chunk = "SELECT id, person, model, vector, crop FROM templates WHERE key IS ? AND id > ? ORDER BY id LIMIT ?"
    while rows := db.rows(chunk, (key_id, last, _CHUNK)):
        last = rows[-1][0]
        yield from rows
