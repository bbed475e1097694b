"""Puts one document in force on this device, by what it is. Inside a transaction, which is undone where it raises."""

from __future__ import annotations

from agent.audit import audit
from agent.config import Config
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.privacy.forgetting import forget
from agent.register import Request, remove_person
from agent.roster.bodies import AdminBody, DeviceBody, PersonBody, RulesBody, ServiceBody, check_body
from agent.roster.document import Document, Kind
from agent.roster.members import Site, put_in_force
from agent.rules_in_force import apply_rules
from agent.store import admins, members, roster
from agent.store.db import Db
from agent.trust.keys import Admin, PublicKey
from agent.trust.roles import Role


def apply(db: Db, document: Document, config: Config, site: Site, request: Request) -> CommandError | None:
    """Makes this device what a document says that is for it, and signed by who may.

    Returns:
        What is wrong with the parts that could not be put in force; None: all is in force.

    Raises:
        CommandError: nothing was, and why.
        RulesRefused: so it is with rules.
    """
    body = check_body(document)
    match body:
        case PersonBody():
            return put_in_force(db, document.name, body, site, request)
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
        case ServiceBody():
            audit(db, "roster_service_set", None, request, {"key": PublicKey.parse(body.public).id})
    return None


def release(db: Db, document: Document, request: Request) -> None:
    """Takes a person away who is not for this device any more; what happened here stays."""
    if document.kind is Kind.PERSON and db.rows("SELECT 1 FROM people WHERE id = ?", (document.name,)):
        remove_person(db, document.name, request)


def signer(db: Db, config: Config, key_id: str) -> Admin | None:
    """Returns whose key it is, as far as this device knows; revoked ones, too."""
    owner = _owner(config)
    return owner if owner is not None and owner.key.id == key_id else admins.find(db, key_id)


def _owner(config: Config) -> Admin | None:
    return Admin(PublicKey.parse(config.trust.owner), "owner", Role.OWNER) if config.trust.owner else None


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
    known = signer(db, config, key.id)
    if body.revoked:
        _revoke(db, key.id, config, request)
        return
    if known is not None:
        if known.revoked_at is not None:
            raise CommandError(Code.NOT_ALLOWED, f"key {key.id} was revoked, and stays so: add another key")
        if known.role is not body.role:
            raise CommandError(Code.NOT_ALLOWED, f"key {key.id} is {known.role} here: revoke it and add another key")
        return
    if any(each.name == body.name for each in admins.everyone(db)):
        raise CommandError(Code.NOT_ALLOWED, f"another key is called {body.name!r} here: choose another name")
    admins.add(db, Admin(key, body.name, body.role), request.at, request.by)
    audit(db, "key_added", None, request, {"key": key.id, "name": body.name, "role": body.role.value})


def _revoke(db: Db, key_id: str, config: Config, request: Request) -> None:
    known = signer(db, config, key_id)
    if known is None or known.revoked_at is not None:
        return
    owner = _owner(config)
    if owner is not None and owner.key.id == key_id:
        raise CommandError(Code.NOT_ALLOWED, f"key {key_id} is the [trust] owner of this device: change that here")
    owners = [each for each in admins.everyone(db) if each.role is Role.OWNER and each.revoked_at is None]
    if owner is None and [each.key.id for each in owners] == [key_id]:
        raise CommandError(Code.NOT_ALLOWED, f"key {key_id} is the last owner of this device: add another one first")
    admins.revoke(db, key_id, request.at, request.by)
    audit(db, "key_revoked", None, request, {"key": key_id, "name": known.name})


def _device(db: Db, document: Document, body: DeviceBody, config: Config, request: Request) -> None:
    ours = f"device/{config.device.site}/{config.device.name}"
    if document.header.object == ours and roster.groups_given(db, ours) != body.groups:
        audit(db, "device_grouped", None, request, {"groups": sorted(body.groups)})
