"""Ed25519 keys (RFC 8032) of admins and devices."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.trust.roles import Role

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
ID_DIGITS: Final = 16
KEY_NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]{0,31}$"
"""What a key may be called; the audit says `mqtt:<name>`."""

_SMALL_ORDER: Final = frozenset(
    bytes.fromhex(point)
    for point in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)
"""The points of order 1, 2, 4 and 8, without the sign of x, in every way to write them: OpenSSL takes signatures "by"
these of any text. RFC 8032, 5.1; libsodium refuses the same seven."""


@dataclass(frozen=True)
class PublicKey:
    """What may be told of a key: it verifies.

    Raises:
        ValueError: not 32 bytes, or a point of small order.
    """

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != KEY_BYTES:
            raise ValueError(f"a public key has {KEY_BYTES} bytes, got {len(self.raw)}")
        if self.raw[:-1] + bytes([self.raw[-1] & 0x7F]) in _SMALL_ORDER:
            raise ValueError("a public key that everybody can sign for: make one")

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Returns the key that `text` wrote: 44 letters of base64.

        Raises:
            ValueError: it is none.
        """
        return cls(unpacked(text, KEY_BYTES))

    @property
    def text(self) -> str:
        """The key in base64."""
        return packed(self.raw)

    @cached_property
    def id(self) -> str:
        """The first 16 hexadecimal digits of its SHA-256."""
        return hashlib.sha256(self.raw).hexdigest()[:ID_DIGITS]

    def verifies(self, signature: bytes, text: bytes) -> bool:
        """Returns whether the key's holder has signed a text."""
        try:
            self._key.verify(signature, text)
        except InvalidSignature:
            return False
        return True

    @cached_property
    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)


@dataclass(frozen=True)
class SigningKey:
    """The secret half of a key. Neither shown nor logged.

    Raises:
        ValueError: not 32 bytes.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a signing key has {KEY_BYTES} bytes, got {len(self.secret)}")

    @classmethod
    def new(cls) -> SigningKey:
        """Returns a key that nobody has."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @cached_property
    def public(self) -> PublicKey:
        """What verifies its signatures."""
        return PublicKey(self._key.public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """Returns the 64 bytes of a signature."""
        return self._key.sign(text)

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.secret)


@dataclass(frozen=True)
class Admin:
    """A key that a device knows, and whose it is."""

    key: PublicKey
    name: str
    role: Role
    revoked_at: datetime | None = None


def rotation_text(old_id: str) -> bytes:
    """Returns what a new key signs to take the place of the one of an id."""
    return f"latchkey rotate 1\n{old_id}".encode()


def packed(raw: bytes) -> str:
    """Returns bytes as base64."""
    return base64.b64encode(raw).decode()


def unpacked(text: str, length: int) -> bytes:
    """Returns the bytes that a text of base64 holds.

    Raises:
        ValueError: not base64, or not so many bytes.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None
    if len(raw) != length or packed(raw) != text:  # one text for each key and signature
        raise ValueError(f"want {length} bytes in base64, got {len(raw)}")
    return raw
