"""A document: one version of one object of the roster, signed by an admin. Pure.

    signed     "latchkey roster 1" LF jcs({object, version, target, issued, key, sha256})

`sha256` is that of the canonical body; null where the object is no more (a tombstone). So a document can be handed on
without its body, to a device that it is not for, and can still be verified: such a device knows that it lacks nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Final, Self

from pydantic import Field

from agent.errors import CommandError
from agent.mqtt.message import LARGEST, Code, KeyId, Message, Signature, Time
from agent.trust.keys import Admin, SigningKey, packed
from agent.trust.roles import Role
from agent.trust.statement import canonical, verifies

STATEMENT: Final = b"latchkey roster 1\n"
MOST_BYTES: Final = 120 * 1024
"""Of one document as JSON: two fit into a page."""

_LEVEL: Final = r"[^\x00-\x20/+#\x7f$@][^\x00-\x20/+#\x7f]{0,63}"
OBJECT_PATTERN: Final = (
    rf"^(person/[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}|rules|service|admin/[0-9a-f]{{16}}|device/{_LEVEL}/{_LEVEL})$"
)
TARGET_PATTERN: Final = rf"^{_LEVEL}/@?{_LEVEL}$"


class Kind(StrEnum):
    """What an object is: the first level of its name."""

    PERSON = "person"
    RULES = "rules"
    ADMIN = "admin"
    DEVICE = "device"
    SERVICE = "service"


SIGNERS: Final[dict[Kind, frozenset[Role]]] = {
    Kind.PERSON: frozenset({Role.ENROLLER, Role.SECURITY, Role.OWNER}),
    Kind.RULES: frozenset({Role.SECURITY, Role.OWNER}),
    Kind.ADMIN: frozenset({Role.OWNER}),
    Kind.DEVICE: frozenset({Role.OWNER}),
    Kind.SERVICE: frozenset({Role.OWNER}),
}
"""Who may sign what: as the verbs of the same meaning, see `agent.trust.roles`."""


class Header(Message):
    """What is signed, and the signature."""

    object: Annotated[str, Field(pattern=OBJECT_PATTERN)]
    version: Annotated[int, Field(ge=1, le=LARGEST)]
    target: Annotated[str, Field(pattern=TARGET_PATTERN)]  # <site>/<device>, <site>/@<group>, <site>/@all
    issued: Time
    key: KeyId
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None  # of the canonical body; none: the object is no more
    signature: Signature


_SIGNED: Final = ("object", "version", "target", "issued", "key", "sha256")


@dataclass(frozen=True)
class Document:
    """A document as it was signed; `body` is None in a tombstone, and where it was left out."""

    raw: Mapping[str, Any]  # the header as JSON values, as it came
    header: Header
    body: Mapping[str, Any] | None = None

    @classmethod
    def parse(cls, value: object) -> Self:
        """Returns the document that a JSON value is; who signed it is not looked at.

        Raises:
            CommandError: it is none, or its body is not the one that was signed.
        """
        if not isinstance(value, dict):
            raise CommandError(Code.BAD_REQUEST, "a document is a JSON object")
        raw = {name: each for name, each in value.items() if name != "body"}
        body = value.get("body")
        try:
            header = Header.model_validate_json(canonical(raw))
            digest = None if body is None else digest_of(body)
        except ValueError as error:  # pydantic's is one
            where = str(value.get("object"))[:80]
            raise CommandError(Code.BAD_REQUEST, f"{where}: no document: {_first(error)}") from None
        if body is not None and (not isinstance(body, dict) or digest != header.sha256):
            raise CommandError(Code.BAD_SIGNATURE, f"{header.object}: the body is not the one that was signed")
        return cls(raw, header, body)

    @property
    def kind(self) -> Kind:
        """What the object is."""
        return Kind(self.header.object.partition("/")[0])

    @property
    def name(self) -> str:
        """The object's name without its kind: the id of a person."""
        return self.header.object.partition("/")[2]

    @property
    def gone(self) -> bool:
        """Whether this version says that the object is no more."""
        return self.header.sha256 is None

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return self.gone or self.body is not None

    @cached_property
    def leaf(self) -> bytes:
        """32 bytes that stand for this document, with or without its body."""
        return hashlib.sha256(canonical(self.raw)).digest()

    @cached_property
    def text(self) -> str:
        """The document as canonical JSON."""
        return canonical(self.as_json()).decode()

    @property
    def stub(self) -> str:
        """The same without the body."""
        return canonical(self.raw).decode()

    def as_json(self) -> dict[str, Any]:
        """Returns the document as JSON values."""
        return dict(self.raw) if self.body is None else {**self.raw, "body": self.body}

    def check_signer(self, signer: Admin | None) -> Admin:
        """Returns who has signed it.

        Args:
            signer: whose key it names, if that is known.

        Raises:
            CommandError: nobody who may; the code says why not.
        """
        header = self.header
        if signer is None or signer.revoked_at is not None:
            what = "not known" if signer is None else "revoked"
            raise CommandError(Code.UNKNOWN_KEY, f"{header.object}: key {header.key} is {what}")
        if not verifies(signer.key, signed_text(self.raw), header.signature):
            raise CommandError(Code.BAD_SIGNATURE, f"{header.object}: the signature is not by key {header.key}")
        if signer.role not in SIGNERS[self.kind]:
            raise CommandError(
                Code.NOT_PERMITTED, f"{header.object}: {signer.name} is {signer.role}, which may not sign {self.kind}"
            )
        return signer


def signed_text(header: Mapping[str, Any]) -> bytes:
    """Returns what the signature of a document is over."""
    return STATEMENT + canonical({name: header.get(name) for name in _SIGNED})


def sign(  # noqa: PLR0917  in the order of the text
    object_: str, version: int, target: str, body: Mapping[str, Any] | None, key: SigningKey, issued: datetime
) -> Document:
    """Returns a new version of an object.

    Args:
        object_: its name, `person/anna`.
        version: one above the version before; 1 for the first.
        target: whom it is for.
        body: JSON values; None: the object is no more.
        key: of an admin.
        issued: now, UTC.

    Raises:
        CommandError: it is no document, or too large for one.
    """
    header = {
        "object": object_,
        "version": version,
        "target": target,
        "issued": issued.isoformat().replace("+00:00", "Z"),
        "key": key.public.id,
        "sha256": None if body is None else digest_of(body),
    }
    header["signature"] = packed(key.sign(signed_text(header)))
    document = Document.parse(header if body is None else {**header, "body": dict(body)})
    if (size := len(document.text.encode())) > MOST_BYTES:
        raise CommandError(Code.TOO_LARGE, f"{object_}: {size:,} bytes as a document: at most {MOST_BYTES:,}")
    return document


def digest_of(body: object) -> str:
    """Returns the SHA-256 of a body, hex.

    Raises:
        ValueError: it has no canonical JSON.
    """
    return hashlib.sha256(canonical(body)).hexdigest()


def check_object(name: str) -> str:
    """Returns the name of an object, if it is one.

    Raises:
        CommandError: it is none.
    """
    if not re.match(OBJECT_PATTERN, name) or name.endswith("\n"):
        raise CommandError(
            Code.BAD_REQUEST,
            f"{name[:80]!r} is no object: there are person/ID, rules, admin/KEY, device/SITE/NAME and service",
        )
    return name


def _first(error: ValueError) -> str:
    return " ".join(str(error).split())[:200]
