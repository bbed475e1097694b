"""Everybody as the rules see them, read at once: fast enough to be done again whenever somebody changes."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache, partial

from agent.access.factors import Factors
from agent.access.holder import Holder, Register, State
from agent.errors import StoreError
from agent.store.db import Db
from agent.store.times import from_text

_HOLDERS = """
    SELECT id, state, valid_from, valid_to, badge, factors, extended, visitor, hash, duress
    FROM people LEFT JOIN pins ON pins.person = id
"""
_GROUPS = 'SELECT person, json_group_array("group") FROM memberships GROUP BY person'


def register_version(db: Db) -> int:
    """Return a number that grows with every change of what the register holds, whichever process makes it."""
    return int(db.rows("SELECT version FROM register")[0][0])


def load_register(db: Db) -> Register:
    """Return everybody. Ask `register_version` before, so that no change is missed.

    Raises:
        StoreError: the database holds a way to be let in that this version does not know.
    """
    states = {state.value: state for state in State}
    parsed = cache(partial(_factors, db))
    groups = cache(lambda names: frozenset(json.loads(names)))  # many people, few sets of groups
    memberships = {person: groups(names) for person, names in db.rows(_GROUPS)}
    nowhere: frozenset[str] = frozenset()
    people = {
        id_: Holder(
            id_,
            memberships.get(id_, nowhere),
            states[state],
            _time(starts),
            _time(ends),
            badge,
            None if factors is None else parsed(factors),
            bool(extended),
            bool(visitor),
            pin,
            duress,
        )
        for id_, state, starts, ends, badge, factors, extended, visitor, pin, duress in db.rows(_HOLDERS)
    }
    badges = {holder.badge: holder.id for holder in people.values() if holder.badge is not None}
    cards = dict(db.rows("SELECT digest, person FROM cards"))
    return Register(people, badges, cards)


def load_names(db: Db) -> dict[str, str]:
    """Return what people are called by humans, by id."""
    return dict(db.rows("SELECT id, name FROM people"))


def _time(text: str | None) -> datetime | None:
    return None if text is None else from_text(text)


def _factors(db: Db, text: str) -> Factors:
    try:
        return Factors.parse(text)
    except ValueError as error:
        raise StoreError(
            f"{db.path}: factors of a person: {error}: set them again, or install the newer Latchkey"
        ) from error
