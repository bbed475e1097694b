"""Sealing everything anew with another key, without meeting anybody again; or giving up what a lost key has sealed."""

from __future__ import annotations

import logging
from typing import NamedTuple

import numpy as np

from agent.seal.keys import SiteKey
from agent.seal.sealing import BrokenSealError, Seal
from agent.seal.turning import Turn
from agent.store import accounts
from agent.store.db import Db
from agent.store.sealing import STORED, Whose, card_key, name_key, put, rows_of
from agent.store.signatures import reseal_signatures
from agent.types import Floats

log = logging.getLogger(__name__)


def reseal(db: Db, key: SiteKey) -> int:
    """Seal and turn everything with `key` instead of the present one; return how many templates that were.

    Inside a transaction. Afterwards the database opens only with `key`; `sweep` it then. A template that does not open
    is dropped: no key will ever open it again.
    """
    old, new = db.seal, Seal(key)
    cards = card_key(db)
    turns: dict[int, Turns] = {}
    done, lost = 0, list[tuple[int]]()

    def turned(plain: Floats) -> Floats:
        if len(plain) not in turns:
            turns[len(plain)] = Turns(old.key, key, len(plain))
        return turns[len(plain)](plain)

    for number, person, encoder, vector, crop in rows_of(db, old.key.id):
        whose = Whose(person, encoder)
        try:
            data, picture = whose.open(old, vector, crop)
        except BrokenSealError as error:
            log.warning("a template of %s is dropped: %s", person, error)
            lost.append((number,))
            continue
        plain = np.frombuffer(data, STORED)
        put(db, new, number, whose, turned(plain).astype(STORED).tobytes(), picture)
        done += 1
    db.sql.executemany("DELETE FROM templates WHERE id = ?", lost)
    reseal_signatures(db, new, turned)
    db.sql.execute("DELETE FROM spares")  # sealed with the old key; made anew from the crops where they are wanted
    for account in accounts.reseal(db, old, new):
        log.warning("the second factor of the account %s does not open: latchkey account second-factor", account)
    name_key(db, new, cards)
    db.sql.execute("UPDATE sealing SET swept = 0")
    db.wipe_log()
    return done


class Abandoned(NamedTuple):
    """How many of each are forgotten."""

    templates: int
    cards: int
    signatures: int
    factors: int  # the second factors of accounts


def abandon(db: Db) -> Abandoned:
    """Forget what only a lost key opens; return how much that was. Inside a transaction."""
    templates = db.sql.execute("DELETE FROM templates WHERE key IS NOT NULL").rowcount
    cards = db.sql.execute("DELETE FROM cards").rowcount
    signatures = db.sql.execute("DELETE FROM signatures").rowcount
    factors = accounts.abandon(db)
    db.sql.execute("DELETE FROM sealing")
    db.wipe_log()
    return Abandoned(templates, cards, signatures, factors)


class Turns:
    """From turned by one key to turned by another, in one step."""

    def __init__(self, old: SiteKey, new: SiteKey, dimension: int) -> None:
        self._matrix = Turn(old, dimension).exact.T @ Turn(new, dimension).exact

    def __call__(self, vector: Floats) -> Floats:
        """Return (D,) float32, turned and of unit length; in float64, so that no error grows with the keys."""
        exact = vector.astype(np.float64) @ self._matrix
        turned: Floats = (exact / np.linalg.norm(exact)).astype(np.float32)
        return turned
