"""The bodies of documents, by kind. What can be said of a person here is what `agent.members` keeps of one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self, cast

from pydantic import Field, ValidationError, model_validator

from agent.access.holder import State
from agent.errors import CommandError
from agent.members.particulars import Changes
from agent.mqtt.message import Code, ConsentText, Message, Name, Time
from agent.mqtt.wire import explain
from agent.roster.document import Document, Kind
from agent.rulebook.parse import LONGEST_TEXT
from agent.signature.judge import REFERENCES
from agent.store.templates import MAX_TEMPLATES
from agent.trust.keys import KEY_NAME_PATTERN, Admin, PublicKey
from agent.trust.roles import Role
from agent.trust.statement import canonical

MOST_CARDS: Final = 16
MANAGED: Final = ("pin", "cards", "templates", "signatures")
"""Of a person: by the roster where it names them, else by each device."""

_Sealed = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=8192, repr=False)]
_Fingerprint = Annotated[str, Field(pattern="^[0-9a-f]{8}$")]
_Group = Annotated[str, Field(min_length=1, max_length=64)]
_Public = Annotated[str, Field(max_length=44)]


class Template(Message):
    """A template as devices keep it: turned and sealed with the site's key."""

    model: Annotated[str, Field(min_length=1, max_length=200)]  # id of the encoder
    key: _Fingerprint  # of the site's key
    vector: _Sealed
    measures: tuple[float, float, float, float, float]  # face_px, sharpness, yaw, exposure, contrast
    added_at: Annotated[str, Field(max_length=40)]


class KeptSignature(Message):
    """How somebody signs, once, as devices keep it: turned and sealed likewise."""

    model: Annotated[str, Field(min_length=1, max_length=200)]  # id of the encoder
    key: _Fingerprint  # of the site's key
    vector: _Sealed
    added_at: Annotated[str, Field(max_length=40)]


class Secret(Message):
    """JSON that only the devices of the site can open: hashes of PINs."""

    key: _Fingerprint
    sealed: _Sealed


class Card(Message):
    """A card: its keyed digest, and which secret it was digested with."""

    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$", repr=False)]
    hint: Annotated[str, Field(max_length=4)]
    key: _Fingerprint  # of the secret that card numbers are hashed with


class Said(Message):
    """What somebody has said about being recognised."""

    given: bool
    text: ConsentText
    at: Time
    by: Annotated[str, Field(min_length=1, max_length=128)]


class PersonBody(Message):
    """Somebody. What is left out is as for somebody new: no badge, no groups, no end, no PIN, no cards."""

    name: Name
    badge: Annotated[str, Field(max_length=32)] | None = None
    groups: Annotated[tuple[_Group, ...], Field(max_length=64)] = ()
    valid_from: Time | None = None
    valid_to: Time | None = None
    state: State = State.ACTIVE
    factors: Annotated[str, Field(max_length=200)] | None = None
    extended: bool = False
    visitor: bool = False
    notes: Annotated[str, Field(max_length=2000)] = ""
    consent: Said | None = None
    pin: Secret | None = None
    cards: Annotated[tuple[Card, ...], Field(max_length=MOST_CARDS)] = ()
    templates: Annotated[tuple[Template, ...], Field(max_length=4 * MAX_TEMPLATES)] = ()
    signatures: Annotated[tuple[KeptSignature, ...], Field(max_length=REFERENCES)] = ()  # of one sitting

    def changes(self) -> Changes:
        """What is kept of the person beside credentials and faces."""
        names = Changes.__annotations__.keys() - {"add_groups", "remove_groups"}
        return cast("Changes", {name: getattr(self, name) for name in names})


class RulesBody(Message):
    """The rules of the site, see `deploy/ACCESS.md`: groups, schedules, doors, holidays."""

    text: Annotated[str, Field(max_length=LONGEST_TEXT)]


class AdminBody(Message):
    """A key of an admin. A role is not changed: the key is revoked and another one added."""

    public: _Public
    name: Annotated[str, Field(pattern=KEY_NAME_PATTERN)]
    role: Role
    revoked: bool = False

    @model_validator(mode="after")
    def _a_key(self) -> Self:
        PublicKey.parse(self.public)
        return self

    def admin(self, now: datetime) -> Admin:
        """Whose key it is; revoked as of now, if it is."""
        return Admin(PublicKey.parse(self.public), self.name, self.role, now if self.revoked else None)


class DeviceBody(Message):
    """A device: the key that it signs with, and its groups, in place of those of its configuration."""

    public: _Public | Literal[""] = ""
    groups: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[^\x00-\x20/+#\x7f$@]{1,64}$")], ...], Field(max_length=64)
    ] = ()


class ServiceBody(Message):
    """The key that heads are signed with."""

    public: _Public

    @model_validator(mode="after")
    def _a_key(self) -> Self:
        PublicKey.parse(self.public)
        return self


BODIES: Final[dict[Kind, type[Message]]] = {
    Kind.PERSON: PersonBody,
    Kind.RULES: RulesBody,
    Kind.ADMIN: AdminBody,
    Kind.DEVICE: DeviceBody,
    Kind.SERVICE: ServiceBody,
}


def plain(body: Message) -> dict[str, Any]:
    """Returns a body as JSON values, with one way to write each: what is as for somebody new is left out.

    But what of `MANAGED` is said to be none: left out it would be for the device to keep.
    """
    said = json.loads(body.model_dump_json(exclude_unset=True))
    told = json.loads(body.model_dump_json(exclude_defaults=True))
    return {name: value for name, value in said.items() if name in told or name in MANAGED}


def understood(document: Document) -> tuple[Document, tuple[str, ...]]:
    """Returns a document without what is said of a person that this version knows no field for, and what that is.

    A device that was not updated yet goes on taking what it understands.
    """
    if document.kind is not Kind.PERSON or document.body is None:
        return document, ()
    known = {name: value for name, value in document.body.items() if name in PersonBody.model_fields}
    return replace(document, body=known), tuple(sorted(document.body.keys() - known.keys()))


def check_body(document: Document) -> Any:
    """Returns the body of a document as its model; None of a tombstone.

    Raises:
        CommandError: it is not what its kind wants.
    """
    name = document.header.object
    if document.gone:
        if document.kind in {Kind.RULES, Kind.SERVICE}:
            raise CommandError(Code.BAD_REQUEST, f"{name} cannot be removed: put another version")
        return None
    try:
        body = BODIES[document.kind].model_validate_json(canonical(document.body))
    except ValidationError as error:
        raise CommandError(Code.BAD_REQUEST, f"{name}: {explain(error)}") from None
    if isinstance(body, AdminBody) and PublicKey.parse(body.public).id != document.name:
        raise CommandError(Code.BAD_REQUEST, f"{name}: the key in it has another id")
    return body
