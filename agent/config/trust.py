"""The table [trust]."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from agent.config.kinds import OptionalFile, Table, TopicLevel
from agent.trust.keys import PublicKey


def _public_key(text: str) -> str:
    return _checked(text, "latchkey admin key show") if text else ""


def _device_key(text: str) -> str:
    return _checked(text, "latchkey trust device")


def _checked(text: str, command: str) -> str:
    try:
        return PublicKey.parse(text).text
    except ValueError as error:
        raise ValueError(f"no public key ({error}): `{command}` prints one") from None


class Trust(Table):
    """Whose commands are carried out: `deploy/SECURITY.md`."""

    owner: Annotated[str, AfterValidator(_public_key), Field(max_length=64)] = ""
    """The public key of an owner, in base64; none: the first is paired with, by a code that the terminal shows."""
    device_key_file: OptionalFile = None  # what the device signs with; none: device.key in data_dir
    peers: dict[TopicLevel, Annotated[str, AfterValidator(_device_key), Field(max_length=64)]] = Field(
        default_factory=dict
    )  # public keys of the other devices of the site, by name: what they say is believed
    unsigned_peers: bool = False  # believe devices whose key is not known, too
