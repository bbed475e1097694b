"""Who is known here, and how that is told: everything but secrets and faces."""

from __future__ import annotations

from datetime import datetime

from typing_extensions import TypedDict

from agent.access.holder import State
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.person_id import check_person_id
from agent.store import consents, credentials, members, people
from agent.store.consents import Consent
from agent.store.db import Db
from agent.store.signatures import count_signatures

LONGEST_NAME = 128  # characters, as on the wire


class Listed(TypedDict):
    """What a list says of a person. Times are UTC, as in 2026-11-26T17:00:00.000Z."""

    id: str
    name: str
    badge: str | None
    state: State
    groups: list[str]
    templates: int
    models: list[str]  # that the templates are of
    enrolled_at: str


class CardTold(TypedDict):
    """A card."""

    hint: str  # its last characters
    added_at: str


class ConsentTold(TypedDict):
    """What somebody agreed to, or took back."""

    given: bool
    at: str
    text: str  # its name and version
    by: str  # who took it down


class Particulars(Listed):
    """Everything that is kept of a person but secrets and faces."""

    valid_from: str | None
    valid_to: str | None
    left_at: str | None
    factors: str | None  # none: what the door asks for
    extended: bool
    visitor: bool
    notes: str
    pin_set_at: str | None
    duress: bool  # there is a PIN for it
    cards: list[CardTold]
    signatures: int
    consents: list[ConsentTold]
    former_ids: list[str]


def enrolled(db: Db, person: str) -> people.Person:
    """Returns somebody by id.

    Raises:
        CommandError: there is no such person; says who it is now, where the id was another's before.
    """
    found = people.get_person(db, person)
    if found is None:
        now = members.current_id(db, person)
        moved = f": that is {now} now" if now else ""
        raise CommandError(Code.UNKNOWN_PERSON, f"nobody is enrolled as {person[:80]!r}{moved}")
    return found


def as_json(person: people.Person) -> Listed:
    """Returns what a list says of a person as JSON values."""
    return {
        "id": person.id,
        "name": person.name,
        "badge": person.badge,
        "state": person.state,
        "groups": [*person.groups],
        "templates": person.templates,
        "models": [*person.models],
        "enrolled_at": timestamp(person.enrolled_at),
    }


def particulars(db: Db, id: str) -> Particulars:  # noqa: A002 - as in Person
    """Returns everything that is kept of a person but secrets and faces, as JSON values.

    Raises:
        CommandError: there is no such person.
    """
    person = enrolled(db, id)
    return {
        **as_json(person),
        "valid_from": _time(person.valid_from),
        "valid_to": _time(person.valid_to),
        "left_at": _time(person.left_at),
        "factors": person.factors,
        "extended": person.extended,
        "visitor": person.visitor,
        "notes": person.notes,
        "pin_set_at": _time(credentials.pin_set_at(db, id)),
        "duress": person.duress,
        "cards": [{"hint": card.hint, "added_at": timestamp(card.added_at)} for card in credentials.cards_of(db, id)],
        "signatures": count_signatures(db, id),
        "consents": [consent_json(consent) for consent in consents.of_person(db, id)],
        "former_ids": [*members.ids_of(db, id)[1:]],
    }


def consent_json(consent: Consent) -> ConsentTold:
    """Returns what somebody agreed to, or took back, as JSON values."""
    return {"given": consent.given, "at": timestamp(consent.at), "text": consent.text, "by": consent.by}


def check_names(person: str, name: str | None) -> None:
    """Refuses what may be neither an id nor a name.

    Raises:
        CommandError: saying what is wanted.
    """
    try:
        check_person_id(person)
    except ValueError as error:
        raise CommandError(Code.BAD_REQUEST, str(error)) from error
    if name is not None and not (name.isprintable() and 0 < len(name) <= LONGEST_NAME):
        raise CommandError(Code.BAD_REQUEST, f"a name has 1 to {LONGEST_NAME} printable characters, got {name[:80]!r}")


def check_free(db: Db, person: str) -> None:
    """Refuses an id that somebody has, or had: events go on naming it.

    Raises:
        CommandError: it is taken.
    """
    if people.get_person(db, person) is not None:
        raise CommandError(Code.ID_TAKEN, f"{person} is somebody's id already: choose another one")
    if now := members.current_id(db, person):
        raise CommandError(Code.ID_TAKEN, f"{person} was the id of {now}, and events name it: choose another one")


def _time(at: datetime | None) -> str | None:
    return timestamp(at) if at else None
