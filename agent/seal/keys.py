"""The secret key of a site, and the keys that are derived from it for one purpose each."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agent.errors import ConfigError

KEY_BYTES = 32
_ID_BYTES = 4
_HEX = re.compile(rf"[0-9a-fA-F]{{{2 * KEY_BYTES}}}")


@dataclass(frozen=True)
class SiteKey:
    """32 random bytes that all devices of a site share. Neither shown nor logged: `id` is what may be told."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a site key has {KEY_BYTES} bytes, got {len(self.secret)}")

    @classmethod
    def new(cls) -> SiteKey:
        """Returns a key that nobody has."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str, where: str) -> SiteKey:
        """Returns the key that a text holds, 64 hex digits or base64.

        Args:
            text: blanks around it do not count.
            where: it stands, for the message; the text itself is never in it.

        Raises:
            ConfigError: it is no key.
        """
        stripped = text.strip()
        try:
            secret = bytes.fromhex(stripped) if _HEX.fullmatch(stripped) else base64.b64decode(stripped, validate=True)
            return cls(secret)
        except (binascii.Error, ValueError):  # which tells a part of the text
            raise ConfigError(
                f"{where} holds no site key: want {2 * KEY_BYTES} hex digits, or {KEY_BYTES} bytes in base64; "
                "`latchkey keys export` on another device of the site prints it"
            ) from None

    @property
    def text(self) -> str:
        """The secret as hex digits: what a key file holds."""
        return self.secret.hex()

    @cached_property
    def id(self) -> str:
        """A short fingerprint, 8 hex digits: tells keys apart, says nothing of them."""
        return self._derive("id", _ID_BYTES).hex()

    @property
    def seal_key(self) -> bytes:
        """For AES-256-GCM."""
        return self._derive("seal")

    @property
    def turn_key(self) -> bytes:
        """For the rotation of the templates."""
        return self._derive("turn")

    @property
    def card_key(self) -> bytes:
        """For the digests of card numbers on a new device; see `agent.store.sealing.card_key`."""
        return self._derive("cards")

    @property
    def sign_in_key(self) -> bytes:
        """For the digests of names and addresses that failed to sign in; see `agent.store.sign_ins`."""
        return self._derive("sign-in")

    def model(self, encoder: str) -> str:
        """Returns the id of what an encoder and this key make together: whose templates are compared."""
        return f"{encoder}~{self.id}"

    def encoder(self, model: str) -> str | None:
        """Returns the id of the encoder of a model of this key; None for the models of others."""
        return model.removesuffix(f"~{self.id}") if model.endswith(f"~{self.id}") else None

    def _derive(self, purpose: str, length: int = KEY_BYTES) -> bytes:
        """RFC 5869. No salt: the secret is uniform already, and every device of the site has to find the same."""
        return HKDF(SHA256(), length, salt=None, info=f"latchkey {purpose} 1".encode()).derive(self.secret)
