"""The bodies of commands and their results as pydantic models: strict, frozen, no unknown fields.

`deploy/MQTT.md` explains them, `deploy/schema` holds the JSON schemas made from them.
"""

from __future__ import annotations

import base64
import binascii
from enum import StrEnum
from typing import Annotated, Any, Final, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from agent.mqtt.topics import ID_PATTERN
from agent.person_id import PERSON_ID_PATTERN

MAX_PAYLOAD: Final = 8 * 2**20  # bytes of one message; also of one photo
MAX_PHOTOS: Final = 20
MAX_PHOTO_BYTES: Final = 32 * 2**20  # all photos that wait for their command, together


class Code(StrEnum):
    """Why a command was not carried out."""

    # the message
    BAD_REQUEST = "bad_request"
    UNKNOWN_VERB = "unknown_verb"
    TOO_LARGE = "too_large"
    BUSY = "busy"
    EXPIRED = "expired"
    ID_REUSED = "id_reused"
    PARTS_MISSING = "parts_missing"
    # what it asks for
    UNKNOWN_PERSON = "unknown_person"
    NOT_A_PICTURE = "not_a_picture"
    STORAGE_FAILED = "storage_failed"
    FAILED = "failed"
    # the photos of an enrolment, see EnrolmentRefused
    NO_PHOTOS = "no_photos"
    NO_FACE = "no_face"
    TWO_FACES = "two_faces"
    TOO_SMALL = "too_small"
    TOO_BLURRED = "too_blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    LOW_CONTRAST = "low_contrast"
    DIFFERENT_PEOPLE = "different_people"
    DUPLICATE_PERSON = "duplicate_person"


def _from_base64(value: object) -> bytes:
    """Bytes as they are; text decoded strictly (pydantic's own Base64Bytes skips what is not base64)."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("base64 text is wanted")  # noqa: TRY004  pydantic turns only ValueError into an answer
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("control characters and the like are not allowed")
    return value


Photo: TypeAlias = Annotated[
    bytes,
    BeforeValidator(_from_base64),
    PlainSerializer(lambda photo: base64.b64encode(photo).decode(), when_used="json"),
    Field(max_length=MAX_PAYLOAD),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "description": "a JPEG or PNG file"}),
]
CommandId: TypeAlias = Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
Person: TypeAlias = Annotated[str, Field(pattern=PERSON_ID_PATTERN)]


class Message(BaseModel):
    """What all messages share."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def to_json(self) -> bytes:
        """The UTF-8 payload; fields that are None are left out."""
        return self.model_dump_json(exclude_none=True).encode()


class Command(Message):
    """What all commands share."""

    id: CommandId
    not_after: AwareDatetime | None = None


class EnrolCommand(Command):
    """Adds a person, or photos to a person."""

    person: Person
    name: Annotated[str, Field(max_length=128), AfterValidator(_printable)] | None = None
    photos: Annotated[tuple[Photo, ...], Field(max_length=MAX_PHOTOS)] = ()
    parts: Annotated[int, Field(ge=1, le=MAX_PHOTOS)] | None = None
    replace: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> EnrolCommand:
        if self.photos and self.parts:
            raise ValueError("photos and parts exclude each other")
        return self


class RemoveCommand(Command):
    """Removes a person and all templates."""

    person: Person


class ListCommand(Command):
    """Asks who is enrolled."""


class IdentifyCommand(Command):
    """Asks who is in a picture."""

    photo: Photo


class PingCommand(Command):
    """Asks for a sign of life."""


COMMANDS: Final[dict[str, type[Command]]] = {
    "enrol": EnrolCommand,
    "remove": RemoveCommand,
    "list": ListCommand,
    "identify": IdentifyCommand,
    "ping": PingCommand,
}
"""Verb to body."""


class Result(Message):
    """The answer to a command."""

    id: CommandId | None = None  # none: it could not be read
    verb: str
    ok: bool
    code: Code | None = None
    message: str | None = None
    photo: int | None = None  # which photo, from 0
    data: dict[str, Any] | None = None


def refusal(verb: str, command_id: str | None, code: Code, message: str, *, photo: int | None = None) -> Result:
    """The answer to a command that is not carried out."""
    return Result(id=command_id, verb=verb, ok=False, code=code, message=message, photo=photo)


class _Envelope(BaseModel):
    """Only the id of a message that is otherwise not understood."""

    model_config = ConfigDict(strict=True)

    id: CommandId


def recover_id(payload: bytes) -> str | None:
    """The id in a message that is not understood otherwise, if there is one."""
    try:
        return _Envelope.model_validate_json(payload).id
    except ValidationError:
        return None


def explain(error: ValidationError) -> str:
    """What is wrong with a message: where and why, without its content."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}"[:120] for each in found[:3]]
    return "; ".join(told)
