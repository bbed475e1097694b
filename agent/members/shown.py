"""People as the page for admins shows them: a line of a list, and one person with their templates and visits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from typing_extensions import TypedDict

from agent.audit import audit
from agent.errors import CommandError
from agent.members.known import Listed, Particulars, as_json, enrolled, particulars
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.register import Request
from agent.store import directory, members
from agent.store.db import Db
from agent.store.directory import Basis, Numbers, Wanted
from agent.store.people import Person
from agent.store.shots import Shot, crop_of, shots_of
from agent.store.undone import recognised
from agent.vision.grades import Measured, grades
from agent.vision.quality import QualityLimits, score

SOON: Final = timedelta(days=30)
MOST_VISITS: Final = 20


class PersonLine(Listed):
    """A line of a list of people."""

    known: bool  # by the model that is compared
    consent: bool | None  # none: nothing was ever said
    valid_to: str | None
    visitor: bool
    pin: bool
    cards: int


class Page(TypedDict):
    """Some of those who are looked for."""

    people: list[PersonLine]
    count: int  # of all of them


class ShotTold(TypedDict):
    """A template: what it was made of."""

    id: int
    model: str
    in_use: bool
    added_at: str
    event: str | None  # of the visit that it is from
    crop: bool  # its picture is kept
    score: float  # 0 to 1
    measures: list[Measured]


class VisitTold(TypedDict):
    """A time at which somebody was recognised, or punched."""

    id: str
    seq: int
    kind: str
    at: str
    outcome: Any  # as the event's own body has them: see MQTT.md
    reason: Any
    punch: Any
    similarity: Any
    undone: bool  # it was taken back


class Whole(Particulars):
    """All that a page about somebody tells."""

    shots: list[ShotTold] | None  # none: not for who asks
    visits: list[VisitTold] | None


def basis(model: str, now: datetime) -> Basis:
    """Returns what is lacking today."""
    return Basis(model=model, now=now, soon=now + SOON)


def found(db: Db, wanted: Wanted, on: Basis) -> Page:
    """Returns a page of the `people` who are looked for, and the `count` of all of them."""
    page, count = directory.find(db, wanted, on)
    return {"people": [_line(person, on.model) for person in page], "count": count}


def numbers(db: Db, on: Basis) -> Numbers:
    """Returns how many people there are, by state and group, and of whom something is lacking."""
    return directory.numbers(db, on)


def whole(db: Db, person: str, on: Basis, limits: QualityLimits, *, templates: bool, visits: bool) -> Whole:
    """Returns all that a page about somebody tells; no vector, no picture, no secret.

    Args:
        db: the database.
        person: their id.
        on: the model that is compared.
        limits: what pictures are graded by.
        templates: whether who asks may see what the person's face was like.
        visits: whether they may see where the person was.

    Raises:
        CommandError: there is no such person.
    """
    return {
        **particulars(db, person),
        "shots": [_shot(each, on.model, limits) for each in shots_of(db, person)] if templates else None,
        "visits": _visits(db, members.ids_of(db, person)) if visits else None,
    }


def crop(db: Db, person: str, template: int, request: Request) -> bytes:
    """Returns the picture that a template was made of, as a JPEG, and notes in the audit who has looked.

    Raises:
        CommandError: there is no such person, or no such picture.
    """
    enrolled(db, person)
    kept = crop_of(db, person, template)
    if kept is None:
        raise CommandError(Code.NO_CROPS, f"no picture is kept of template {template} of {person}")
    audit(db, "crop_seen", person, request, {"template": template})
    return kept.picture


def _line(person: Person, model: str) -> PersonLine:
    said = person.consent
    return {
        **as_json(person),
        "known": model in person.models,
        "consent": None if said is None else said.given,
        "valid_to": timestamp(person.valid_to) if person.valid_to else None,
        "visitor": person.visitor,
        "pin": person.pin,
        "cards": len(person.cards),
    }


def _shot(shot: Shot, model: str, limits: QualityLimits) -> ShotTold:
    return {
        "id": shot.id,
        "model": shot.model,
        "in_use": shot.model == model,
        "added_at": timestamp(shot.added_at),
        "event": shot.event,
        "crop": shot.crop,
        "score": round(score(shot.quality, limits), 3),
        "measures": grades(shot.quality, limits),
    }


def _visits(db: Db, ids: Sequence[str]) -> list[VisitTold]:
    return [
        {
            "id": event.id,
            "seq": event.seq,
            "kind": event.kind,
            "at": timestamp(event.at),
            "outcome": event.body.get("outcome"),
            "reason": event.body.get("reason"),
            "punch": event.body.get("type"),
            "similarity": event.body.get("similarity"),
            "undone": undone,
        }
        for event, undone in recognised(db, ids, MOST_VISITS)
    ]
