"""How people sign: embeddings, sealed as the templates of faces are. What the pen did is not kept.

A reference that does not open, because somebody has changed the file, is left out and told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from agent.errors import StoreError
from agent.seal.sealing import BrokenSealError, Seal
from agent.signature.judge import References
from agent.store.db import Db
from agent.store.sealing import STORED, Whose, check_bound
from agent.store.times import to_text
from agent.types import Embedding, Floats

log = logging.getLogger(__name__)

TABLE = "signatures"
_ADD = "INSERT INTO signatures (person, model, key, vector, added_at) VALUES (?, ?, ?, ?, ?)"
_UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class SealedSignature:
    """A signature as it is kept, and travels between devices of a site: it says nothing without the site's key."""

    model: str  # id of the encoder
    key: str  # fingerprint of the site's key
    vector: bytes
    added_at: str = ""


def put_signatures(db: Db, person: str, signatures: Sequence[Embedding], at: datetime) -> int:
    """Let these be how a person who is there signs, in place of those before; return how many those were.

    Args:
        db: the database.
        person: their id.
        signatures: turned by the site's key.
        at: now.
    """
    rows = [_row(db.seal, person, each, at) for each in signatures]
    with db.transaction() as sql:
        check_bound(db)
        before = _drop(db, person)
        sql.executemany(_ADD, rows)
    return before


def sealed_signatures(db: Db, person: str) -> list[SealedSignature]:
    """Return how a person signs as it is kept, of whatever encoder and key, in order."""
    rows = db.rows("SELECT model, key, vector, added_at FROM signatures WHERE person = ? ORDER BY id", (person,))
    return [SealedSignature(*row) for row in rows]


def open_sealed(db: Db, person: str, sealed: SealedSignature, dimension: int) -> Embedding:
    """Return a signature that came sealed.

    Raises:
        ValueError: it is not sealed for this person with the site's key, or is no unit vector (D,). A broken seal is
            one.
    """
    vector, _ = Whose(person, sealed.model, TABLE).open(db.seal, sealed.vector)
    opened: Floats = np.frombuffer(vector, STORED).astype(np.float32)
    if len(opened) != dimension or not _is_unit(opened):
        raise ValueError(f"want {dimension} numbers, of unit length together")
    return Embedding(opened, db.seal.key.model(sealed.model))


def put_sealed_signatures(db: Db, person: str, signatures: Sequence[SealedSignature]) -> tuple[int, int]:
    """Let these be how a person who is there signs; nothing happens where they are already.

    Args:
        db: the database.
        person: their id.
        signatures: sealed with the database's key, see `open_sealed`; of one encoder.

    Returns:
        How many are new, and how many went.
    """
    if [each.vector for each in sealed_signatures(db, person)] == [each.vector for each in signatures]:
        return 0, 0
    with db.transaction() as sql:
        check_bound(db)
        gone = _drop(db, person)
        rows = [(person, each.model, each.key, each.vector, each.added_at) for each in signatures]
        sql.executemany(_ADD, rows)
    return len(rows), gone


def forget_signatures(db: Db, person: str) -> int:
    """Forget how a person signs; return how many signatures that were."""
    with db.transaction() as sql:
        sql.execute("UPDATE standings SET signed = NULL WHERE person = ?", (person,))
        return _drop(db, person)


def count_signatures(db: Db, person: str) -> int:
    """Return how many signatures of a person are kept, of every encoder."""
    return int(db.rows("SELECT count(*) FROM signatures WHERE person = ?", (person,))[0][0])


def signatures_version(db: Db) -> tuple[int, int]:
    """Return what is another whenever any signature is: rows are added and deleted, and ids never used again."""
    count, last = db.rows("SELECT count(*), coalesce(max(id), 0) FROM signatures")[0]
    return int(count), int(last)


def load_signatures(db: Db, model: str) -> dict[str, References]:
    """Return how everybody signs who has signatures of `model`, an encoder turned by the site's key."""
    seal, found = db.seal, dict[str, list[Floats]]()
    encoder = seal.key.encoder(model)
    asked = "SELECT id, person, vector FROM signatures WHERE model = ? AND key = ? ORDER BY person, id"
    for number, person, sealed in db.rows(asked, (encoder, seal.key.id)):
        try:
            vector, _ = Whose(person, str(encoder), TABLE).open(seal, sealed)
        except BrokenSealError as error:
            log.warning("signature %d of %s is left out: %s; have %s sign again", number, person, error, person)
            continue
        found.setdefault(person, []).append(np.frombuffer(vector, STORED).astype(np.float32))
    return {person: References(np.stack(vectors), model) for person, vectors in found.items()}


def move_signatures(db: Db, person: str, to: str) -> None:
    """Make how one person signs how another signs who is there; if that one has signatures, those stay.

    Raises:
        StoreError: one does not open.
    """
    seal = db.seal
    with db.transaction() as sql:
        check_bound(db)
        if db.rows("SELECT 1 FROM signatures WHERE person = ?", (to,)):
            forget_signatures(db, person)
        for number, model, vector, added_at in db.rows(
            "SELECT id, model, vector, added_at FROM signatures WHERE person = ? AND key = ? ORDER BY id",
            (person, seal.key.id),
        ):
            try:
                opened, _ = Whose(person, model, TABLE).open(seal, vector)
            except BrokenSealError as error:
                raise StoreError(f"{db.path}: a signature of {person} is {error}: have {person} sign again") from error
            sealed, _ = Whose(to, model, TABLE).close(seal, opened)
            sql.execute("DELETE FROM signatures WHERE id = ?", (number,))
            sql.execute(_ADD, (to, model, seal.key.id, sealed, added_at))  # a new row, for `signatures_version`


def reseal_signatures(db: Db, new: Seal, turned: Callable[[Floats], Floats]) -> int:
    """Seal and turn all signatures with another key; return how many. Inside a transaction, before the key is named.

    One that does not open is dropped: no key will ever open it again.
    """
    old, done = db.seal, 0
    for number, person, model, vector in db.rows("SELECT id, person, model, vector FROM signatures"):
        whose = Whose(person, model, TABLE)
        try:
            opened, _ = whose.open(old, vector)
        except BrokenSealError as error:
            log.warning("signature %d of %s is dropped: %s", number, person, error)
            db.sql.execute("DELETE FROM signatures WHERE id = ?", (number,))
            continue
        sealed, _ = whose.close(new, turned(np.frombuffer(opened, STORED)).astype(STORED).tobytes())
        db.sql.execute("UPDATE signatures SET key = ?, vector = ? WHERE id = ?", (new.key.id, sealed, number))
        done += 1
    return done


def _drop(db: Db, person: str) -> int:
    """Deletes the references alone: what was recorded at the door stays refused when they are others."""
    dropped = db.sql.execute("DELETE FROM signatures WHERE person = ?", (person,)).rowcount
    if dropped:
        db.wipe_log()
    return dropped


def _row(seal: Seal, person: str, signature: Embedding, at: datetime) -> tuple[Any, ...]:
    vector = np.asarray(signature.vector)
    if vector.ndim != 1 or not _is_unit(vector):
        raise ValueError(f"a signature is a vector (D,) of unit length, got the shape {vector.shape}")
    if (encoder := seal.key.encoder(signature.model)) is None:
        raise ValueError(f"a signature of {signature.model} is not turned by the site's key {seal.key.id}")
    sealed, _ = Whose(person, encoder, TABLE).close(seal, vector.astype(STORED).tobytes())
    return person, encoder, seal.key.id, sealed, to_text(at)


def _is_unit(vector: Floats) -> bool:
    return abs(float(np.linalg.norm(vector)) - 1) <= _UNIT_TOLERANCE  # false of NaN
