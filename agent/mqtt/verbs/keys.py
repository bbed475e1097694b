"""Commands about whose commands are carried out, and by which key the device itself is known."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, TypeAlias

from pydantic import AfterValidator, Field

from agent.mqtt.message import Command, KeyId, Signature
from agent.trust.keys import KEY_NAME_PATTERN, PublicKey
from agent.trust.roles import Role


def _public(text: str) -> str:
    return PublicKey.parse(text).text


Public: TypeAlias = Annotated[str, Field(min_length=44, max_length=44), AfterValidator(_public)]
"""An Ed25519 public key, 32 bytes in base64."""
KeyName: TypeAlias = Annotated[str, Field(pattern=KEY_NAME_PATTERN)]


class KeysCommand(Command):
    """Asks whose commands are carried out."""

    reads: ClassVar[bool] = True


class KeyAddCommand(Command):
    """Lets the holder of a key in."""

    public: Public
    name: KeyName
    role: Annotated[Role, Field(strict=False)]


class KeyRotateCommand(Command):
    """Puts a new key in the place of one: of the asker's, or of another."""

    public: Public
    proof: Signature  # by the new key
    id_of: KeyId | None = None  # the old one; none: the key that signs this


class KeyRevokeCommand(Command):
    """Lets a key count no more."""

    id_of: KeyId


class DeviceCommand(Command):
    """Asks which device it is, and by which key what it says is signed."""

    reads: ClassVar[bool] = True


COMMANDS: Final[dict[str, type[Command]]] = {
    "keys": KeysCommand,
    "key_add": KeyAddCommand,
    "key_rotate": KeyRotateCommand,
    "key_revoke": KeyRevokeCommand,
    "device": DeviceCommand,
}
