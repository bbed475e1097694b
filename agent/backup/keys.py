"""To whom a backup is encrypted: an owner's X25519 key (RFC 7748), or whoever knows a passphrase (scrypt, RFC 7914)."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agent.errors import BackupError, ConfigError
from agent.trust.keys import packed, unpacked

PUBLIC: Final = "latchkey-backup:"
SECRET: Final = "LATCHKEY-BACKUP-SECRET:"  # in capitals, as age does: nobody sends it by mistake  # noqa: S105
_BYTES: Final = 32
_ID_DIGITS: Final = 16
_LONGEST: Final = 200  # bytes of a key's file


@dataclass(frozen=True)
class Recipient:
    """The public half: who has it can make backups, and open none.

    Raises:
        ValueError: not 32 bytes.
    """

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != _BYTES:
            raise ValueError(f"a backup key has {_BYTES} bytes, got {len(self.raw)}")

    @classmethod
    def parse(cls, text: str) -> Recipient:
        """Returns the key that a text wrote: `latchkey-backup:` and 44 letters of base64.

        Raises:
            ValueError: it is none.
        """
        if text.startswith(SECRET):
            raise ValueError("this is the secret half of a backup key: keep it, and give the public one")
        if not text.startswith(PUBLIC):
            raise ValueError(f"a public backup key begins with {PUBLIC}")
        return cls(unpacked(text.removeprefix(PUBLIC), _BYTES))

    @property
    def text(self) -> str:
        """The key as it is passed around."""
        return PUBLIC + packed(self.raw)

    @cached_property
    def id(self) -> str:
        """The first 16 hexadecimal digits of its SHA-256: in the header of what is encrypted to it."""
        return hashlib.sha256(self.raw).hexdigest()[:_ID_DIGITS]


@dataclass(frozen=True)
class BackupKey:
    """The secret half: opens what was encrypted to its recipient. Neither shown nor logged."""

    secret: bytes = field(repr=False)

    @classmethod
    def new(cls) -> BackupKey:
        """Returns a key that nobody has."""
        return cls(X25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str, where: str) -> BackupKey:
        """Returns the key of a text; `where` it stands is for the message.

        Raises:
            ConfigError: it is none.
        """
        stripped = text.strip()
        with suppress(ValueError):  # which may tell a part of it
            if stripped.startswith(SECRET):
                return cls(unpacked(stripped.removeprefix(SECRET), _BYTES))
        raise ConfigError(f"{where} holds no backup key: `latchkey backup-key FILE` makes one")

    @classmethod
    def read(cls, path: Path) -> BackupKey:
        """Returns the key in a file.

        Raises:
            ConfigError: it cannot be read, others may read it, or it holds none.
        """
        try:
            with path.open("rb") as file:
                mode, data = os.fstat(file.fileno()).st_mode, file.read(_LONGEST)
        except OSError as error:
            raise ConfigError(f"{path}: cannot read the backup key: {error.strerror}") from error
        if mode & 0o077:
            raise ConfigError(f"{path}: others than its owner may use the backup key: run chmod 600 {path}")
        return cls.parse(data.decode("ascii", "replace"), str(path))

    def write(self, path: Path) -> None:
        """Makes a file of the key, for its owner only, never over another.

        Raises:
            ConfigError: it cannot be made.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(opened, "w") as file:
                file.write(f"{self.text}\n")
                file.flush()
                os.fsync(opened)
        except OSError as error:
            raise ConfigError(f"{path}: cannot make the backup key: {error.strerror}: choose another file") from error

    @property
    def text(self) -> str:
        """What its file holds."""
        return SECRET + packed(self.secret)

    @cached_property
    def recipient(self) -> Recipient:
        """What encrypts to it."""
        return Recipient(self._key.public_key().public_bytes_raw())

    def agree(self, other: bytes) -> bytes:
        """Returns the 32 bytes that this key and another's public half share.

        Raises:
            BackupError: the other is no key.
        """
        try:
            return self._key.exchange(X25519PublicKey.from_public_bytes(other))
        except ValueError as error:  # of low order: RFC 7748, 6.1
            raise BackupError("the key in its header is none: the file is damaged, or made to deceive") from error

    @cached_property
    def _key(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self.secret)


def restore_key(secret: bytes, site: str, device: str) -> BackupKey:
    """Returns the key that opens what is to be restored on a device, and no other of the site does.

    Args:
        secret: the device's.
        site: the device is of.
        device: its name.
    """
    purpose = f"latchkey restore 1\n{site}/{device}".encode()
    return BackupKey(HKDF(SHA256(), _BYTES, salt=None, info=purpose).derive(secret))


@dataclass(frozen=True, slots=True)
class Passphrase:
    """What somebody remembers. Neither shown nor logged.

    Raises:
        ConfigError: it is too short to keep anybody out.
    """

    text: str = field(repr=False)

    LEAST = 12  # letters; five words by dice are better

    def __post_init__(self) -> None:
        if len(self.text) < self.LEAST:
            raise ConfigError(f"the passphrase of a backup has at least {self.LEAST} letters: take five random words")
