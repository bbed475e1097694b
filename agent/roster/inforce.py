"""Puts one document in force on this device, by what it is. Inside a transaction, which is undone where it raises."""

from __future__ import annotations

from agent import admins
from agent.audit import audit
from agent.config import Config
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.privacy.forgetting import forget
from agent.register import Request, remove_person
from agent.roster.biometrics import Site
from agent.roster.bodies import (
    AdminBody,
    DeviceBody,
    PersonBody,
    RulesBody,
    ServiceBody,
    check_body,
    understood,
)
from agent.roster.document import Document, Kind
from agent.roster.members import put_in_force
from agent.rules_in_force import apply_rules
from agent.store import members, roster
from agent.store.db import Db
from agent.store.device_keys import set_device_key
from agent.trust.keys import Admin, PublicKey
from agent.version import VERSION


def apply(db: Db, document: Document, config: Config, site: Site, request: Request) -> CommandError | None:
    """Makes this device what a document says that is for it, and signed by who may.

    Returns:
        What is wrong with the parts that could not be put in force; None: all is in force.

    Raises:
        CommandError: nothing was, and why.
        RulesRefused: so it is with rules.
    """
    known, strange = understood(document)
    body = check_body(known)
    match body:
        case PersonBody():
            wrong = put_in_force(db, document.name, body, site, request)
            return wrong or _not_understood(document, strange)
        case None if document.kind is Kind.PERSON:
            _forget(db, document.name, config, request)
        case RulesBody():
            apply_rules(lambda change: change(db), body.text, request)
        case AdminBody():
            _admin(db, body, config, request)
        case None if document.kind is Kind.ADMIN:
            _revoke(db, document.name, config, request)
        case DeviceBody():
            _device(db, document, body, config, request)
        case None if document.kind is Kind.DEVICE:
            _device(db, document, None, config, request)
        case ServiceBody():
            audit(db, "roster_service_set", None, request, {"key": PublicKey.parse(body.public).id})
    return None


def release(db: Db, document: Document, config: Config, request: Request, *, held: bool) -> None:
    """Takes a person, or a key, away who is not for this device any more.

    What happened here stays until they are no more at all. Whom this device alone has enrolled, and never the roster,
    is none of its business.
    """
    if document.kind is Kind.ADMIN and held:
        admins.keep_elsewhere(db, config, document.name, request)
    if document.kind is not Kind.PERSON:
        return
    there = bool(db.rows("SELECT 1 FROM people WHERE id = ?", (document.name,)))
    if document.gone and (held or not there):
        _forget(db, document.name, config, request)
    elif held and there:
        remove_person(db, document.name, request)


def signer(db: Db, config: Config, key_id: str) -> Admin | None:
    """Returns whose key it is, as far as this device knows; revoked ones, too."""
    return admins.find(db, config, key_id)


def _not_understood(document: Document, fields: tuple[str, ...]) -> CommandError | None:
    if not fields:
        return None
    return CommandError(
        Code.BAD_REQUEST,
        f"{document.header.object}: {', '.join(fields)[:200]}: not known to this version of Latchkey, {VERSION}; all "
        "else is in force: update this device",
    )


def _forget(db: Db, person: str, config: Config, request: Request) -> None:
    if not db.rows("SELECT 1 FROM people WHERE id = ?", (person,)):
        person = members.current_id(db, person) or person  # renamed here meanwhile
    try:
        forget(db, config, person, request, reason="taken out of the roster", vacuum=False)
    except CommandError as error:
        if error.code != Code.UNKNOWN_PERSON:  # who never was here is forgotten already
            raise


def _admin(db: Db, body: AdminBody, config: Config, request: Request) -> None:
    key = PublicKey.parse(body.public)
    if body.revoked:
        _revoke(db, key.id, config, request)
    else:
        admins.add(db, config, Admin(key, body.name, body.role), request)


def _revoke(db: Db, key_id: str, config: Config, request: Request) -> None:
    if signer(db, config, key_id) is not None:
        admins.revoke(db, config, key_id, request)


def _device(db: Db, document: Document, body: DeviceBody | None, config: Config, request: Request) -> None:
    """Its groups, where it is this one; of another of the site, the key by which it is believed."""
    site, _, name = document.name.partition("/")
    groups = () if body is None else body.groups
    if (site, name) == (config.device.site, config.device.name):
        if roster.groups_given(db, document.header.object) != groups:
            audit(db, "device_grouped", None, request, {"groups": sorted(groups)})
    elif site == config.device.site:
        key = PublicKey.parse(body.public) if body is not None and body.public else None
        if set_device_key(db, name, key, request.at, request.by):
            audit(db, "device_key_set", name, request, {"key": None if key is None else key.id})
