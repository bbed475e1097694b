"""What is in a backup, and in which order.

    plaintext = length of the manifest (4 bytes, big-endian) | manifest (JSON) | the bytes of each file, in its order

The manifest says of which device it is and lists the files with their sizes. Their names are of a few kinds: a name is
never a path out of the folder that they are laid into.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from agent.backup.stream import Source
from agent.errors import BackupError

DATABASE: Final = "latchkey.db"
SITE_KEY: Final = "site.key"
DEVICE_KEY: Final = "device.key"
CONFIGURATION: Final = "agent.toml"
_NAME: Final = (
    rf"^({re.escape(DATABASE)}|{re.escape(SITE_KEY)}|{re.escape(DEVICE_KEY)}|{re.escape(CONFIGURATION)}"
    r"|models/[a-z0-9][a-z0-9._-]{0,99}/((encoder|detector)\.(tflite|json)|bundle\.json))$"
)
_LENGTH: Final = 4
LONGEST_MANIFEST: Final = 65_536  # bytes
LARGEST_SMALL: Final = 16 * 2**20  # bytes of a file that is not the database


class Entry(BaseModel):
    """A file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=_NAME)]
    size: Annotated[int, Field(ge=0, le=2**40)]  # bytes


class Manifest(BaseModel):
    """What a backup says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    made_at: AwareDatetime
    software: Annotated[str, Field(max_length=32)]
    schema_version: Annotated[int, Field(ge=1, le=10_000)]  # of the database
    site: Annotated[str, Field(max_length=128)]
    device: Annotated[str, Field(max_length=128)]
    sealed_by: Annotated[str | None, Field(pattern=r"^[0-9a-f]{8}$")] = None  # fingerprint of the site's key
    files: Annotated[tuple[Entry, ...], Field(min_length=1, max_length=64)]

    def to_bytes(self) -> bytes:
        """The manifest with its length."""
        text = self.model_dump_json(exclude_none=True).encode()
        return len(text).to_bytes(_LENGTH, "big") + text


def read_manifest(source: Source) -> Manifest:
    """Returns what a backup says of itself.

    Raises:
        BackupError: it says what it must not.
    """
    length = int.from_bytes(source.read(_LENGTH), "big")
    if not 0 < length <= LONGEST_MANIFEST:
        raise BackupError(f"has a manifest of {length} bytes, which cannot be: it was not made by Latchkey")
    try:
        manifest = Manifest.model_validate_json(source.read(length))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BackupError(
            f"has a manifest that cannot be read ({where}: {first['msg']}): by another Latchkey"
        ) from None
    names = [entry.name for entry in manifest.files]
    if len(set(names)) != len(names) or DATABASE not in names:
        raise BackupError("lists its files twice, or no database: it was not made by Latchkey")
    if any(entry.size > LARGEST_SMALL for entry in manifest.files if entry.name != DATABASE):
        raise BackupError("lists a file that is larger than it can be: it was not made by Latchkey")
    return manifest


@dataclass(frozen=True, slots=True)
class Piece:
    """A file that goes into a backup: its bytes, or where they are."""

    name: str
    data: bytes | Path

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data) if isinstance(self.data, bytes) else self.data.stat().st_size
