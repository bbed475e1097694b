"""The table [trust]."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from agent.config.kinds import OptionalFile, Table
from agent.trust.keys import PublicKey


def _public_key(text: str) -> str:
    if text:
        try:
            PublicKey.parse(text)
        except ValueError as error:
            raise ValueError(f"no public key ({error}): `latchkey admin key show` prints one") from None
    return text


class Trust(Table):
    """Whose commands are carried out: `deploy/SECURITY.md`."""

    owner: Annotated[str, AfterValidator(_public_key), Field(max_length=64)] = ""
    """The public key of an owner, in base64; none: the first is paired with, by a code that the terminal shows."""
    device_key_file: OptionalFile = None  # what the device signs with; none: device.key in data_dir
