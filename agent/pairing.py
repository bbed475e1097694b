"""The device's side of pairing, see `agent.trust.pairing`: begun on the device, ended by whoever knows the code."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from agent import admins
from agent.audit import audit
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.store import admins as stored
from agent.store import pairing as store
from agent.trust import pairing
from agent.trust.keys import Admin, PublicKey, packed
from agent.trust.pairing import Pending, Transcript
from agent.trust.roles import Role

if TYPE_CHECKING:
    from agent.config import Config
    from agent.mqtt.pair import PairMessage
    from agent.register import Request
    from agent.store.db import Db


def begin(db: Db, config: Config, request: Request) -> str:
    """Returns a new code; one that was shown before counts no more.

    Raises:
        CommandError: the device has an owner, who lets others in.
    """
    code, nonce = pairing.new_code(), pairing.new_nonce()
    pending = Pending(nonce, pairing.stretched(code, nonce), request.at + pairing.LIFETIME, pairing.TRIES)
    with db.transaction():
        if owners := admins.owners(db, config):
            raise CommandError(
                Code.NOT_ALLOWED,
                f"{owners[0].name} owns this device and can let others in (latchkey admin keys add); "
                "on the device itself: latchkey trust add",
            )
        store.save(db, pending)
        audit(db, "pairing_begun", None, request, {"seconds": int(pairing.LIFETIME.total_seconds())})
    return code


def greet(db: Db, config: Config, device: PublicKey, now: datetime) -> dict[str, Any]:
    """Returns what a claim needs to know.

    Raises:
        CommandError: no pairing waits.
    """
    return {"nonce": packed(_waiting(db, config, now).nonce), "public": device.text}


def claim(db: Db, config: Config, device: PublicKey, message: PairMessage, request: Request) -> dict[str, Any]:
    """Makes an owner of who proves to know the code; returns the device's proof.

    Args:
        db: to change; a try that fails counts all the same.
        config: site and name of the device.
        device: its key.
        message: a whole one.
        request: who asks, and when.

    Raises:
        CommandError: no pairing waits, or the proof is wrong.
    """
    pending = _waiting(db, config, request.at)
    said = Transcript(
        config.device.site,
        config.device.name,
        packed(pending.nonce),
        device.text,
        str(message.nonce),
        str(message.public),
        str(message.name),
    )
    if not said.proves(str(message.proof), pending.secret, "admin"):
        left = _count(db, pending, request)
        raise CommandError(Code.WRONG_CODE, f"not by who knows the code, or changed on the way; {left} tries are left")
    admin = Admin(PublicKey.parse(said.admin_public), said.name, Role.OWNER)
    with db.transaction():
        if (there := stored.find(db, admin.key.id)) is not None or stored.named(db, admin.name):
            problem = "the key" if there is not None else f'the name "{admin.name}"'
            raise CommandError(Code.KEY_TAKEN if there else Code.NAME_TAKEN, f"{problem} is known here: take another")
        stored.add(db, admin, request.at, request.by)
        store.clear(db)
        audit(db, "paired", admin.key.id, request, {"name": admin.name, "role": admin.role.value})
    return {"proof": said.proof(pending.secret, "device")}


def _waiting(db: Db, config: Config, now: datetime) -> Pending:
    pending = store.load(db)
    if pending is None or not pending.open(now) or admins.owners(db, config):  # somebody was quicker, on the device
        raise CommandError(Code.NO_PAIRING, "no pairing is waited for (any more): latchkey trust pair, on the device")
    return pending


def _count(db: Db, pending: Pending, request: Request) -> int:
    """Returns how many tries are left after this one; with the last the code is forgotten."""
    with db.transaction():
        left = store.count(db, pending)
        audit(db, "pairing_refused", None, request, {"tries": left})
    return left
