"""The rules of this device: which are in force, and putting others in force, in one transaction with its audit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NotRequired
from zoneinfo import ZoneInfo

from typing_extensions import TypedDict

from agent.access.rules import Rules
from agent.audit import audit
from agent.errors import CommandError, RulesRefused
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.register import Request
from agent.rulebook.parse import open_rules, parse
from agent.store.db import Db
from agent.store.rules import Edition, add_rules, rules_history, rules_in_force, rules_of
from agent.timezone import machine_zone
from agent.write import Write


class EditionTold(TypedDict):
    """Rules that are, or were, in force, but for their text."""

    version: int  # 0: none were ever given
    at: str | None
    by: str | None
    sha256: NotRequired[str]  # of the text, hex


class WholeEdition(EditionTold):
    """The same with the text."""

    text: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of rules that were given."""

    version: int
    digest: str  # SHA-256 of the text, hex
    changed: bool  # false: they were in force already


def load_rules(db: Db, zone: ZoneInfo | None = None) -> Rules:
    """Returns the rules in force.

    Args:
        db: the database.
        zone: for where no rules were ever given; None is that of the machine.

    Raises:
        RulesRefused: another version of Latchkey has taken what this one does not understand.
    """
    edition = rules_in_force(db)
    if edition is None:
        return open_rules(zone or machine_zone())
    try:
        return parse(edition.text, version=edition.version)
    except RulesRefused as error:
        about = (
            f"the rules in force (version {edition.version}) are not understood: install the Latchkey that took them"
        )
        raise RulesRefused([f"{about}, or apply others", *error.problems]) from error


def apply_rules(write: Write, text: str, request: Request, *, expect: int | None = None) -> Applied:
    """Puts rules in force, all of them or none.

    The same text again changes nothing, so that a command may be repeated.

    Args:
        write: has the change made. The text is checked before: that takes longest, and needs no database.
        text: TOML, see `agent.rulebook.parse`.
        request: who asks.
        expect: the version that the text was made from; None: whatever is in force.

    Raises:
        RulesRefused: listing everything that is wrong with the text.
        CommandError: `rules_changed`, another version than `expect` is in force.
    """
    parse(text, version=1)
    return write(lambda db: _put_in_force(db, text, request, expect))


def _put_in_force(db: Db, text: str, request: Request, expect: int | None) -> Applied:
    digest = digest_of(text)
    with db.transaction():
        before = rules_in_force(db)
        version = before.version if before else 0
        if before and before.text == text:
            return Applied(version, digest, changed=False)
        if expect is not None and expect != version:
            raise CommandError(
                Code.RULES_CHANGED,
                f"somebody else changed the rules meanwhile: version {version} is in force, not {expect}; "
                "look at it and apply yours again",
            )
        version = add_rules(db, text, request.by, request.at)
        audit(db, "rules_applied", None, request, {"version": version, "sha256": digest})
    return Applied(version, digest, changed=True)


def edition_of(db: Db, version: int | None) -> Edition | None:
    """Returns the rules of a version, or those in force; None where none were ever given.

    Raises:
        CommandError: there is no such version, or none any more.
    """
    edition = rules_in_force(db) if version is None else rules_of(db, version)
    if edition is None and version is not None:
        raise CommandError(Code.UNKNOWN_VERSION, f"there are no rules of version {version} (any more)")
    return edition


def editions(db: Db) -> list[EditionTold]:
    """Returns the versions that are kept as JSON values without their texts, the newest first: that one is in force."""
    return [_heading(one) for one in rules_history(db)]


def as_json(edition: Edition) -> WholeEdition:
    """Returns rules as JSON values."""
    return WholeEdition(**_heading(edition), text=edition.text)


def _heading(edition: Edition) -> EditionTold:
    return {
        "version": edition.version,
        "at": timestamp(edition.at),
        "by": edition.by,
        "sha256": digest_of(edition.text),
    }


def digest_of(text: str) -> str:
    """Returns the SHA-256 of a text, hex: what the audit says of rules."""
    return hashlib.sha256(text.encode()).hexdigest()
