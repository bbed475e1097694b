"""Answers what admins ask about whose commands are carried out, and about the device's own key."""

from __future__ import annotations

from typing import Any

from agent import admins
from agent.clerks import Office
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.mqtt.once import Handler
from agent.mqtt.verbs.keys import DeviceCommand, KeyAddCommand, KeyRevokeCommand, KeyRotateCommand, KeysCommand
from agent.trust.keys import SIGNATURE_BYTES, Admin, PublicKey, unpacked
from agent.version import VERSION


def handlers(office: Office, device: PublicKey, model: str) -> dict[str, Handler]:
    """Returns what carries out each verb.

    Args:
        office: what there is to work with.
        device: the key that the device signs with.
        model: id of the encoder.
    """
    config = office.config

    def keys(_: KeysCommand) -> dict[str, Any]:
        return {"keys": admins.everyone(office.db, config)}

    def key_add(command: KeyAddCommand) -> dict[str, Any]:
        request = office.request(command)
        admin = Admin(PublicKey.parse(command.public), command.name, command.role)
        return office.write(lambda db: admins.add(db, config, admin, request))

    def key_rotate(command: KeyRotateCommand) -> dict[str, Any]:
        request, new = office.request(command), PublicKey.parse(command.public)
        proof = unpacked(command.proof, SIGNATURE_BYTES)
        old_id = command.id_of or command.signed_by
        if old_id is None:
            raise CommandError(Code.BAD_REQUEST, "id_of: say which key it takes the place of")
        return office.write(lambda db: admins.rotate(db, config, request, old_id=old_id, new=new, proof=proof))

    def key_revoke(command: KeyRevokeCommand) -> dict[str, Any]:
        request, key_id = office.request(command), command.id_of
        return office.write(lambda db: admins.revoke(db, config, key_id, request))

    def told(_: DeviceCommand) -> dict[str, Any]:
        about = config.device
        return {
            "site": about.site,
            "device": about.name,
            "groups": list(about.groups),
            "public": device.text,
            "key": device.id,
            "boot_id": office.boot_id,
            "version": VERSION,
            "model": model,
        }

    return {"keys": keys, "key_add": key_add, "key_rotate": key_rotate, "key_revoke": key_revoke, "device": told}
