"""The encrypted stream of a backup: written and read a chunk at a time, whole or not at all.

    file   = "latchkey backup 1" LF | length of the header (2 bytes, big-endian) | header (JSON) | chunk ...
    header = {"to": "x25519", "recipient": id, "ephemeral": base64}
           | {"to": "passphrase", "salt": base64, "n": 65536, "r": 8, "p": 1}
    chunk  = AES-256-GCM of 64 KiB, the last of what is left | tag (16)
    nonce  = number of the chunk from 0 (11 bytes, big-endian) | 1 for the last chunk, else 0
    key    = HKDF-SHA256(secret, salt = SHA-256 of all before the chunks, info = "latchkey backup 1" | recipient)
    secret = X25519(ephemeral, recipient) | scrypt(passphrase)

This is the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizar (2015), as age has it: chunks that were left
out, exchanged or cut off at the end do not open. Each file has a key of its own, so that nonces may count.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, Protocol, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from agent.backup.keys import BackupKey, Passphrase, Recipient
from agent.errors import BackupError
from agent.trust.keys import packed, unpacked
from agent.trust.statement import canonical, read_json

MAGIC: Final = b"latchkey backup 1\n"
CHUNK: Final = 65_536  # bytes of plaintext
TAG: Final = 16
_INFO: Final = b"latchkey backup 1"
_LENGTH: Final = 2
_SALT: Final = 16
_SCRYPT: Final = {
    "n": 65_536,
    "r": 8,
    "p": 1,
}  # 64 MiB, a second on a Pi 4; others are refused: nobody chooses our work
_FIELDS: Final = {"x25519": {"to", "recipient", "ephemeral"}, "passphrase": {"to", "salt", *_SCRYPT}}

To: TypeAlias = Recipient | Passphrase
Opener: TypeAlias = BackupKey | Passphrase


class Source(Protocol):
    """What is read from."""

    def read(self, size: int, /) -> bytes:
        """Returns so many bytes or fewer, none at the end."""
        ...


class Sealer:
    """A file to write plaintext to. `close` it, or what it wrote does not open.

    Args:
        sink: takes the ciphertext.
        to: who opens it.
    """

    def __init__(self, sink: BinaryIO, to: To) -> None:
        head, secret, recipient = _new_header(to)
        self._sink, self._cipher = sink, AESGCM(_file_key(secret, head, recipient))
        self._waits = bytearray()
        self._number = 0
        sink.write(head)

    def write(self, data: bytes) -> None:
        """Takes more."""
        self._waits += data
        while len(self._waits) > CHUNK:  # never the last chunk: only `close` knows which that is
            self._emit(bytes(self._waits[:CHUNK]), last=False)
            del self._waits[:CHUNK]

    def close(self) -> None:
        """Ends the stream; the sink stays open."""
        self._emit(bytes(self._waits), last=True)
        self._waits.clear()

    def _emit(self, plain: bytes, *, last: bool) -> None:
        self._sink.write(self._cipher.encrypt(_nonce(self._number, last=last), plain, None))
        self._number += 1


class Opened:
    """A file to read plaintext from; only what is authentic comes out.

    Args:
        source: the ciphertext from its start.
        by: who opens it.

    Raises:
        BackupError: it is no backup, or not for this key or passphrase.
    """

    def __init__(self, source: Source, by: Opener) -> None:
        head, fields = _read_header(source)
        secret, recipient = _secret(fields, by)
        self._cipher = AESGCM(_file_key(secret, head, recipient))
        self._chunks = self._open(source)
        self._here = next(self._chunks)  # a wrong passphrase is told at once
        self._at = 0

    def read(self, size: int) -> bytes:
        """Returns so many bytes, fewer at the end.

        Raises:
            BackupError: the file was changed or cut off.
        """
        taken = bytearray()
        while len(taken) < size:
            if self._at == len(self._here):
                more = next(self._chunks, None)
                if more is None:
                    break
                self._here, self._at = more, 0
            part = self._here[self._at : self._at + size - len(taken)]
            taken += part
            self._at += len(part)
        return bytes(taken)

    def _open(self, source: Source) -> Iterator[bytes]:
        number, ahead = 0, _exactly(source, CHUNK + TAG)
        while True:
            sealed, ahead = ahead, _exactly(source, CHUNK + TAG)
            last = not ahead
            try:
                yield self._cipher.decrypt(_nonce(number, last=last), sealed, None)
            except (InvalidTag, ValueError):
                raise BackupError(_broken(number, last=last)) from None
            if last:
                return
            number += 1


def sealed_size(plain: int, to: To) -> int:
    """Returns how many bytes a stream of so many bytes has, encrypted."""
    head, _, _ = _new_header(to) if isinstance(to, Recipient) else (_head(_passphrase_fields(bytes(_SALT))), b"", b"")
    return len(head) + plain + TAG * max(1, -(-plain // CHUNK))


def recipient_of(source: Source) -> str | None:
    """Returns the id of the key that opens a backup; None: a passphrase does.

    Raises:
        BackupError: it is no backup.
    """
    _, fields = _read_header(source)
    return str(fields["recipient"]) if fields["to"] == "x25519" else None


def _new_header(to: To) -> tuple[bytes, bytes, bytes]:
    """A header, the secret, and the recipient's public key."""
    if isinstance(to, Recipient):
        ephemeral = BackupKey.new()
        fields = {"to": "x25519", "recipient": to.id, "ephemeral": packed(ephemeral.recipient.raw)}
        return _head(fields), ephemeral.agree(to.raw), to.raw
    salt = secrets.token_bytes(_SALT)
    return _head(_passphrase_fields(salt)), _stretched(to, salt), b""


def _passphrase_fields(salt: bytes) -> dict[str, Any]:
    return {"to": "passphrase", "salt": packed(salt), **_SCRYPT}


def _head(fields: dict[str, Any]) -> bytes:
    header = canonical(fields)
    return MAGIC + len(header).to_bytes(_LENGTH, "big") + header


def _read_header(source: Source) -> tuple[bytes, dict[str, Any]]:
    magic = _exactly(source, len(MAGIC))
    if magic != MAGIC:
        newer = magic.startswith(b"latchkey backup ")
        raise BackupError("was made by a newer Latchkey: install that one" if newer else "is no backup of Latchkey")
    length = _exactly(source, _LENGTH)
    header = _exactly(source, int.from_bytes(length, "big"))
    try:
        fields = read_json(header)
        known = fields.keys() == _FIELDS[fields["to"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"has a header that cannot be read ({error!r}): the file is damaged") from None
    if not known:
        raise BackupError("has a header with other fields than there are: the file is damaged")
    return magic + length + header, fields


def _secret(fields: dict[str, Any], by: Opener) -> tuple[bytes, bytes]:
    """What the key of the file is made of, and the recipient."""
    if fields["to"] == "x25519":
        if not isinstance(by, BackupKey):
            raise BackupError(f"opens with the backup key {fields['recipient']}, not with a passphrase")
        if fields["recipient"] != by.recipient.id:
            raise BackupError(f"opens with the backup key {fields['recipient']}, this is {by.recipient.id}")
        return by.agree(_unpacked(fields["ephemeral"], 32)), by.recipient.raw
    if not isinstance(by, Passphrase):
        raise BackupError("opens with a passphrase, not with a key")
    if any(fields[name] != value for name, value in _SCRYPT.items()):
        raise BackupError("asks for another scrypt than Latchkey makes: the file is damaged, or made to deceive")
    return _stretched(by, _unpacked(fields["salt"], _SALT)), b""


def _unpacked(text: object, length: int) -> bytes:
    try:
        return unpacked(str(text), length)
    except ValueError as error:
        raise BackupError(f"has a header that cannot be read ({error}): the file is damaged") from None


def _stretched(passphrase: Passphrase, salt: bytes) -> bytes:
    return Scrypt(salt, 32, **_SCRYPT).derive(passphrase.text.encode())


def _file_key(secret: bytes, head: bytes, recipient: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=hashlib.sha256(head).digest(), info=_INFO + recipient).derive(secret)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _broken(number: int, *, last: bool) -> str:
    if number == 0:
        return "does not open: another passphrase or key, or the file is damaged"
    return f"was {'cut off or changed' if last else 'changed'} after {number * CHUNK} bytes: get the file again"


def _exactly(source: Source, size: int) -> bytes:
    """So many bytes, fewer only at the end: pipes and sockets give what they have."""
    taken = bytearray()
    while len(taken) < size and (part := source.read(size - len(taken))):
        taken += part
    return bytes(taken)
