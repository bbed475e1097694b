"""Consent to be recognised: no template without it, unless the operator has turned that off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from agent.audit import audit
from agent.config.people import Privacy
from agent.errors import CommandError
from agent.members.known import consent_json, enrolled
from agent.mqtt.message import Code
from agent.store import consents
from agent.store.consents import Consent
from agent.store.db import Db
from agent.store.signatures import forget_signatures
from agent.store.templates import forget_templates

if TYPE_CHECKING:
    from agent.register import Request

LONGEST_TEXT = 128  # characters of a text's name and version


def give(db: Db, person: str, text: str, request: Request, *, by: str | None = None) -> dict[str, Any]:
    """Notes that somebody has agreed to a text; once more to the same text changes nothing.

    Args:
        db: the database.
        person: their id.
        text: which text, by its name and version.
        request: who asked.
        by: who took it down; None: who asked.

    Returns:
        The consent that holds, with `person`.

    Raises:
        CommandError: there is no such person, or `text` or `by` will not do.
    """
    for word, what in ((text, "the text that is agreed to"), (by, "who takes a consent down")):
        if word is not None and not (word.isprintable() and word.strip() and len(word) <= LONGEST_TEXT):
            raise CommandError(Code.BAD_REQUEST, f"{what} is named in 1 to {LONGEST_TEXT} printable characters")
    with db.transaction():
        enrolled(db, person)
        holds = consents.in_force(db, person)
        if holds is None or holds.text != text:
            holds = Consent(given=True, at=request.at, text=text, by=by or request.by)
            consents.add(db, person, holds)
            audit(db, "consent_given", person, request, {"text": text})
    return {"person": person, **consent_json(holds)}


def withdraw(db: Db, person: str, request: Request, *, by: str | None = None) -> dict[str, Any]:
    """Notes that somebody takes their consent back, and forgets their templates and signatures at once.

    Returns:
        `person`, and how many `templates` and `signatures` that were.

    Raises:
        CommandError: there is no such person.
    """
    with db.transaction():
        one = enrolled(db, person)
        holds = one.consent
        removed, unsigned = forget_templates(db, person), forget_signatures(db, person)
        if removed or unsigned or holds is None or holds.given:
            text = holds.text if holds else ""
            consents.add(db, person, Consent(given=False, at=request.at, text=text, by=by or request.by))
            audit(db, "consent_withdrawn", person, request, {"templates": removed, "signatures": unsigned})
    return {"person": person, "templates": removed, "signatures": unsigned}


def check(db: Db, person: str, consent: str | None, privacy: Privacy) -> None:
    """Refuses to make templates of somebody who has not agreed to it.

    Args:
        db: the database.
        person: their id; need not be there yet.
        consent: the text that is agreed to with this request.
        privacy: what the operator wants.

    Raises:
        CommandError: saying how consent is given.
    """
    if privacy.require_consent and consent is None and consents.in_force(db, person) is None:
        raise CommandError(
            Code.NO_CONSENT,
            f"{person} has not agreed to be recognised: ask, then enrol with --consent TEXT "
            '(MQTT: "consent"), or note it with `latchkey people consent`',
        )


def text_of(said: str | Literal[True] | None, privacy: Privacy) -> str | None:
    """Returns the text that is agreed to: True means that of the configuration.

    Raises:
        CommandError: the configuration names none.
    """
    if said is not True:
        return said
    if not privacy.consent_text:
        raise CommandError(
            Code.BAD_REQUEST,
            "[privacy] consent_text of this device names no text: say which one was agreed to with --consent TEXT "
            '(MQTT: "consent")',
        )
    return privacy.consent_text
