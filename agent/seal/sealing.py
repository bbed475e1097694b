"""Sealing: encrypts what is kept, and binds it to what it belongs to, so that a row moved or changed does not open.

    sealed = format (1 byte) | nonce (12) | AES-256-GCM(data) | tag (16)

The nonces are random: 2^32 messages under one key before two are the same with a probability of 2^-32 (NIST SP
800-38D, 8.3). A terminal seals some millions in its life.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agent.seal.keys import SiteKey

FORMAT = 1
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEAD = bytes([FORMAT])
OVERHEAD = len(_HEAD) + _NONCE_BYTES + _TAG_BYTES
"""How many bytes longer the sealed form is."""


class BrokenSealError(ValueError):
    """Sealed bytes do not open: changed, moved here from elsewhere, of another key, or of a newer format."""


class Seal:
    """Seals and opens with the key of a site; cheap to keep, for any number of threads."""

    def __init__(self, key: SiteKey) -> None:
        self.key = key
        self._cipher = AESGCM(key.seal_key)

    def close(self, data: bytes, belongs: bytes) -> bytes:
        """Returns `data` sealed; it opens only together with the same `belongs`, see `belonging`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _HEAD + nonce + self._cipher.encrypt(nonce, data, belongs)

    def open(self, sealed: bytes, belongs: bytes) -> bytes:
        """Returns what was sealed.

        Raises:
            BrokenSealError: it does not open.
        """
        if sealed[:1] != _HEAD:
            raise BrokenSealError(f"sealed in a format that is not known: {sealed[:1].hex() or 'nothing'}")
        try:
            return self._cipher.decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], belongs)
        except (InvalidTag, ValueError) as error:  # ValueError: shorter than a nonce
            raise BrokenSealError("changed since it was sealed, or moved here from elsewhere") from error


def belonging(*parts: str) -> bytes:
    """Returns the parts as bytes, each with its length, so that no two lists make the same."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
