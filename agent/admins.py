"""Changes of whose commands are carried out, each in one transaction with its audit event.

The key in the configuration, `[trust] owner`, is an owner under the name `owner` for as long as it stands there. The
others are in the database. A key that is revoked stays known, so that neither it nor its holder's name comes back as
somebody else's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from agent.audit import audit
from agent.errors import CommandError
from agent.jobs.given_up import give_up_jobs
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.store import admins as store
from agent.trust.keys import Admin, PublicKey, rotation_text
from agent.trust.roles import Role

if TYPE_CHECKING:
    from agent.config import Config
    from agent.register import Request
    from agent.store.db import Db

CONFIGURED: Final = "owner"
"""The name of the owner in the configuration."""


def configured_owner(config: Config) -> Admin | None:
    """Returns the owner of `[trust] owner`, if one stands there."""
    text = config.trust.owner
    return Admin(PublicKey.parse(text), CONFIGURED, Role.OWNER) if text else None


def find(db: Db, config: Config, key_id: str) -> Admin | None:
    """Returns whose key it is, revoked or not."""
    owner = configured_owner(config)
    return owner if owner is not None and owner.key.id == key_id else store.find(db, key_id)


def owners(db: Db, config: Config) -> list[Admin]:
    """Returns who may change keys now; nobody: the device waits to be paired."""
    known = [entry.admin for entry in store.everyone(db)]
    listed = [admin for admin in known if admin.role is Role.OWNER and admin.revoked_at is None]
    owner = configured_owner(config)
    return listed if owner is None else [owner, *(admin for admin in listed if admin.key != owner.key)]


def everyone(db: Db, config: Config) -> list[dict[str, Any]]:
    """Returns all keys as JSON values, revoked ones too."""
    owner = configured_owner(config)
    rows = [entry for entry in store.everyone(db) if owner is None or entry.admin.key != owner.key]
    told = [_told(entry.admin, timestamp(entry.added_at), entry.added_by, entry.replaces) for entry in rows]
    return told if owner is None else [_told(owner, None, "configuration", None), *told]


def add(db: Db, config: Config, admin: Admin, request: Request) -> dict[str, Any]:
    """Lets a key's holder in; the same again changes nothing.

    Raises:
        CommandError: the key or the name is or was another's.
    """
    with db.transaction():
        there = find(db, config, admin.key.id)
        if there == admin:
            return _gist(admin)
        details = {"name": admin.name, "role": admin.role.value}
        if there is not None and replace(there, revoked_at=None) == admin and store.is_elsewhere(db, admin.key.id):
            store.take_back(db, admin.key.id)
            audit(db, "key_added", admin.key.id, request, details)
            return _gist(admin)
        if there is not None:
            state = f"is known as {there.name}, {there.role}"
            gone = "was revoked, and does not come back: make a new one"
            raise CommandError(Code.KEY_TAKEN, f"key {admin.key.id} {gone if there.revoked_at else state}")
        if store.named(db, admin.name) or (admin.name == CONFIGURED and configured_owner(config)):
            raise CommandError(
                Code.NAME_TAKEN, f'"{admin.name}" is or was the name of another key: choose another, or rotate that one'
            )
        store.add(db, admin, request.at, request.by)
        audit(db, "key_added", admin.key.id, request, details)
    return _gist(admin)


def rotate(db: Db, config: Config, request: Request, *, old_id: str, new: PublicKey, proof: bytes) -> dict[str, Any]:
    """Puts a new key in the place of one: the same name, the same role. The old one is revoked.

    Args:
        db: the database.
        config: with the owner.
        request: who asked.
        old_id: whose place it takes.
        new: the key.
        proof: by the new key, that its holder wants this place: see `rotation_text`.

    Raises:
        CommandError: there is no such key in force, the new one is known, or the proof is none.
    """
    if not new.verifies(proof, rotation_text(old_id)):
        raise CommandError(Code.BAD_REQUEST, f'proof: not by the new key over "latchkey rotate 1\\n{old_id}"')
    with db.transaction():
        _check_listed(config, old_id)
        old, there = _in_force(db, old_id), find(db, config, new.id)
        if there is not None:
            raise CommandError(Code.KEY_TAKEN, f"key {new.id} is or was {there.name}'s: make a new one")
        admin = Admin(new, old.name, old.role)
        store.revoke(db, old_id, request.at, request.by)
        store.add(db, admin, request.at, request.by, replaces=old_id)
        audit(db, "key_rotated", new.id, request, {"replaces": old_id, "name": old.name, "role": old.role.value})
        if request.by != f"mqtt:{old.name}":  # another rotates it where it was lost, or stolen
            give_up_jobs(db, f"mqtt:{old.name}", request)
    return _gist(admin) | {"replaces": old_id}


def revoke(db: Db, config: Config, key_id: str, request: Request) -> dict[str, Any]:
    """Lets a key count no more, from the next command on, and gives up its jobs; twice changes nothing.

    Raises:
        CommandError: there is no such key, it is the last owner's, or it stands in the configuration.
    """
    with db.transaction():
        _check_listed(config, key_id)
        there = store.find(db, key_id)
        if there is None or there.revoked_at is None:
            there = _let_go(db, config, key_id, request, by=request.by)
        elif store.is_elsewhere(db, key_id):  # from now on for good
            store.revoke(db, key_id, request.at, request.by)
            audit(db, "key_revoked", key_id, request, {"name": there.name, "role": there.role.value})
    return _gist(there)


def keep_elsewhere(db: Db, config: Config, key_id: str, request: Request) -> None:
    """Lets a key count no more that the roster has let in, and that is for other devices alone now: it may come back.

    Raises:
        CommandError: it is the last owner's.
    """
    with db.transaction():
        known = [each for each in store.everyone(db) if each.admin.key.id == key_id and each.admin.revoked_at is None]
        if any(each.added_by.startswith("roster:") for each in known):
            _let_go(db, config, key_id, request, by=store.ELSEWHERE)


def _let_go(db: Db, config: Config, key_id: str, request: Request, *, by: str) -> Admin:
    admin = _in_force(db, key_id)
    if [owner.key.id for owner in owners(db, config)] == [key_id]:
        raise CommandError(Code.LAST_OWNER, f"{admin.name} is the only owner: add or rotate to another key first")
    store.revoke(db, key_id, request.at, by)
    audit(db, "key_revoked", key_id, request, {"name": admin.name, "role": admin.role.value})
    give_up_jobs(db, f"mqtt:{admin.name}", request)
    return admin


def _check_listed(config: Config, key_id: str) -> None:
    owner = configured_owner(config)
    if owner is not None and owner.key.id == key_id:
        raise CommandError(Code.NOT_ALLOWED, f"key {key_id} stands in the device's configuration, [trust] owner")


def _in_force(db: Db, key_id: str) -> Admin:
    admin = store.find(db, key_id)
    if admin is None or admin.revoked_at is not None:
        raise CommandError(Code.NO_SUCH_KEY, f"no key in force has the id {key_id}: see keys")
    return admin


def _gist(admin: Admin) -> dict[str, Any]:
    return {"id": admin.key.id, "name": admin.name, "role": admin.role.value}


def _told(admin: Admin, added_at: str | None, added_by: str, replaces: str | None) -> dict[str, Any]:
    revoked = None if admin.revoked_at is None else timestamp(admin.revoked_at)
    rest = {"added_at": added_at, "added_by": added_by, "replaces": replaces, "revoked_at": revoked}
    return _gist(admin) | {"public": admin.key.text} | rest
