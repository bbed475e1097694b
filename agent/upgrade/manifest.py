"""What a bundle of models says of itself, under an owner's signature."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.trust.keys import SigningKey, packed
from agent.trust.statement import canonical, verifies
from agent.version import VERSION

STATEMENT: Final = b"latchkey bundle 1\n"
MOST_BYTES: Final = 16 * 2**20  # of all files together
_SHA256: Final = r"^[0-9a-f]{64}$"
_MODEL_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"  # names a folder, too
_VERSION: Final = r"^[0-9]{1,4}(\.[0-9]{1,4}){0,3}$"

FileName = Literal["encoder.tflite", "encoder.json", "detector.tflite", "detector.json"]


class Entry(BaseModel):
    """A file of a bundle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: FileName
    size: Annotated[int, Field(ge=1, le=MOST_BYTES)]  # bytes
    sha256: Annotated[str, Field(pattern=_SHA256)]


class Manifest(BaseModel):
    """What is in a bundle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    made_at: AwareDatetime
    minimum: Annotated[str, Field(pattern=_VERSION)]  # version of Latchkey that it wants
    encoder: Annotated[str, Field(pattern=_MODEL_ID)]  # id, of its card
    detector: Annotated[str | None, Field(pattern=_MODEL_ID)] = None  # None: the device keeps its own
    files: Annotated[tuple[Entry, ...], Field(min_length=2, max_length=4)]

    @property
    def text(self) -> bytes:
        """What is signed."""
        return STATEMENT + canonical(self.model_dump(mode="json"))

    @property
    def folder(self) -> str:
        """Where it is unpacked: the encoder's id, and which bundle."""
        return f"{self.encoder.lower()}-{hashlib.sha256(self.text).hexdigest()[:8]}"


class Signed(BaseModel):
    """A manifest with the signature of an owner's key: `bundle.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    manifest: Manifest
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    signature: Annotated[str, Field(max_length=88)]

    def to_json(self) -> bytes:
        """What the file holds."""
        return canonical(self.model_dump(mode="json"))


def described(
    files: Mapping[str, bytes], ids: Mapping[str, str], made_at: datetime, minimum: str = VERSION
) -> Manifest:
    """Returns the manifest of files.

    Args:
        files: by name: the encoder with its card, perhaps a detector with its own.
        ids: of the models, by "encoder" and "detector".
        made_at: now.
        minimum: version of Latchkey that they want.
    """
    entries = [
        {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()
    ]
    return read_manifest({"made_at": made_at, "minimum": minimum, "files": entries, **ids})


def sign(manifest: Manifest, key: SigningKey) -> Signed:
    """Returns a manifest with the signature of an owner's key."""
    return Signed(manifest=manifest, key=key.public.id, signature=packed(key.sign(manifest.text)))


def read_signed(text: bytes) -> Signed:
    """Returns what `bundle.json` holds; nobody has verified it yet.

    Raises:
        CommandError: it is none.
    """
    try:
        signed = Signed.model_validate_json(text)
    except ValidationError as error:
        raise _refused(error) from None
    _check(signed.manifest)
    return signed


def read_manifest(fields: Mapping[str, Any]) -> Manifest:
    """Returns a manifest.

    Raises:
        CommandError: it is none.
    """
    try:
        manifest = Manifest.model_validate(fields)
    except ValidationError as error:
        raise _refused(error) from None
    _check(manifest)
    return manifest


def is_signed_by(signed: Signed, admin_key: Any) -> bool:
    """Returns whether a public key has signed it."""
    return verifies(admin_key, signed.manifest.text, signed.signature)


def check_version(manifest: Manifest, version: str = VERSION) -> None:
    """Refuses a bundle that wants a newer Latchkey.

    Raises:
        CommandError: it does.
    """
    if _numbers(manifest.minimum) > _numbers(version):
        raise CommandError(
            Code.BAD_BUNDLE,
            f"{manifest.encoder} wants Latchkey {manifest.minimum}, this is {version}: update that first",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:4])


def _check(manifest: Manifest) -> None:
    names = [entry.name for entry in manifest.files]
    wanted = {"encoder.tflite", "encoder.json"}
    if manifest.detector is not None:
        wanted |= {"detector.tflite", "detector.json"}
    if len(set(names)) != len(names) or {*names} != wanted:
        raise CommandError(
            Code.BAD_BUNDLE, f"a bundle holds {', '.join(sorted(wanted))}: this lists {', '.join(names)}"
        )
    if sum(entry.size for entry in manifest.files) > MOST_BYTES:
        raise CommandError(Code.BAD_BUNDLE, f"the files of a bundle have at most {MOST_BYTES >> 20} MiB together")


def _refused(error: ValidationError) -> CommandError:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"])) or "bundle.json"
    return CommandError(Code.BAD_BUNDLE, f"no bundle of models: {where}: {first['msg'][:120]}")
