"""What all messages share: strict, frozen, no unknown fields; and the codes of refusals."""

from __future__ import annotations

import base64
import binascii
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Self, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    WithJsonSchema,
)

from agent.moments import believable
from agent.mqtt.topics import ID_PATTERN
from agent.person_id import PERSON_ID_PATTERN
from agent.trust.roles import Role

MAX_PAYLOAD: Final = 8 * 2**20  # bytes of one message; also of one photo
MAX_PHOTOS: Final = 20
MAX_PARTS: Final = 1024  # of one command
LARGEST: Final = 2**53 - 1  # number that every JSON parser reads as it was sent; SQLite takes ten bits more
MAX_WAITING_BYTES: Final = 32 * 2**20  # all messages that wait to be looked at, together


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
    # who sends it
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    NOT_PERMITTED = "not_permitted"
    NOT_FOR_US = "not_for_us"
    NOT_YET = "not_yet"
    SEEN_BEFORE = "seen_before"
    # what it asks for
    UNKNOWN_PERSON = "unknown_person"
    NOT_A_PICTURE = "not_a_picture"
    STORAGE_FAILED = "storage_failed"
    FAILED = "failed"
    BAD_RULES = "bad_rules"
    RULES_CHANGED = "rules_changed"
    UNKNOWN_VERSION = "unknown_version"
    UNKNOWN_RECEIPT = "unknown_receipt"
    CLOCK_DOUBTED = "clock_doubted"
    NO_CONSENT = "no_consent"
    ID_TAKEN = "id_taken"
    BADGE_TAKEN = "badge_taken"
    CARD_TAKEN = "card_taken"
    UNKNOWN_CARD = "unknown_card"
    BAD_PIN = "bad_pin"
    UNKNOWN_EVENT = "unknown_event"
    UNKNOWN_PUNCH = "unknown_punch"
    NOT_ALLOWED = "not_allowed"
    LOCKED_DOWN = "locked_down"
    CLOCK_UNSURE = "clock_unsure"
    TOO_OFTEN = "too_often"
    # keys
    KEY_TAKEN = "key_taken"
    NAME_TAKEN = "name_taken"
    NO_SUCH_KEY = "no_such_key"
    LAST_OWNER = "last_owner"
    NO_PAIRING = "no_pairing"
    WRONG_CODE = "wrong_code"
    # jobs
    UNKNOWN_JOB = "unknown_job"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    OTHER_MODEL = "other_model"
    OTHER_SITE_KEY = "other_site_key"
    DAMAGED = "damaged"
    # models
    BAD_BUNDLE = "bad_bundle"
    NOT_BY_OWNER = "not_by_owner"
    SELF_TEST_FAILED = "self_test_failed"
    NO_CROPS = "no_crops"
    NOTHING_BEFORE = "nothing_before"
    BAD_BACKUP = "bad_backup"
    NO_BACKUP = "no_backup"
    # roster
    ROSTER_CHANGED = "roster_changed"
    UNKNOWN_OBJECT = "unknown_object"
    WITHHELD = "withheld"
    ROLLED_BACK = "rolled_back"
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
    # signatures, see SignatureRefused
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_FAST = "too_fast"
    NOT_READABLE = "not_readable"
    DIFFERENT_SIGNATURES = "different_signatures"
    NO_ENCODER = "no_encoder"


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
Time: TypeAlias = Annotated[AwareDatetime, AfterValidator(believable)]
"""With an offset, and near enough to reckon with: whoever sends the year 9999 must not stop the agent."""
KeyId: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Signature: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{86}==$")]
CommandId: TypeAlias = Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
Person: TypeAlias = Annotated[str, Field(pattern=PERSON_ID_PATTERN)]
Name: TypeAlias = Annotated[str, Field(max_length=128), AfterValidator(_printable)]

ConsentText: TypeAlias = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_printable)]
"""Name and version of the text that is agreed to."""


class Message(BaseModel):
    """What all messages share."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def to_json(self) -> bytes:
        """The UTF-8 payload; fields that are None are left out."""
        return self.model_dump_json(exclude_none=True).encode()


class News(Message):
    """What all have in common that a device says, see `agent.mqtt.signing`."""

    device_key: KeyId | None = None  # id of the key that has signed it
    signature: Signature | None = None


class Command(Message):
    """What all commands share."""

    reads: ClassVar[bool] = False  # it changes nothing: its answer, full of people, is not kept
    momentary: ClassVar[bool] = False  # done once at the most, also where the device stops while it does it

    id: CommandId
    not_after: Time | None = None
    _asked_by: str = PrivateAttr("mqtt")
    _signed_by: str | None = PrivateAttr(None)
    _role: Role = PrivateAttr(Role.VIEWER)

    @property
    def asked_by(self) -> str:
        """Whose key has signed it, `mqtt:<name>`: for the audit. It is no part of the message."""
        return self._asked_by

    @property
    def account(self) -> str | None:
        """Who asks by a page, where nobody speaks for another; None: it came another way."""
        return self._asked_by.removeprefix("page:") if self._asked_by.startswith("page:") else None

    @property
    def signed_by(self) -> str | None:
        """The id of that key."""
        return self._signed_by

    @property
    def asker_role(self) -> Role:
        """The role of that key."""
        return self._role

    def asked(self, who: str, key_id: str | None = None, role: Role = Role.VIEWER) -> Self:
        """Returns the command as asked by somebody, who has signed it with a key."""
        copy = self.model_copy()
        copy._asked_by, copy._signed_by, copy._role = who, key_id, role  # noqa: SLF001  its own
        return copy


Sha256: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Parts: TypeAlias = Annotated[tuple[Sha256, ...], Field(min_length=1, max_length=MAX_PARTS)]
"""What comes before the command, by its hashes, in order: they are signed with it."""


class PartedCommand(Command):
    """A command that may come with parts, see `agent.mqtt.parts`."""

    parts: Parts | None = None
