"""Files of the authority: written whole or not at all, secrets for their owner only."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from agent.errors import ConfigError
from agent.pki.authority import Key

LONGEST: Final = 2**20  # bytes of a file that is read; a list of 20,000 revoked certificates fits
SECRET: Final = 0o600
PUBLIC: Final = 0o644


def folder(path: Path) -> Path:
    """Makes a folder for its owner only, where there is none.

    Raises:
        ConfigError: it cannot be made.
    """
    with told(path, "make"):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write(path: Path, data: bytes, mode: int = PUBLIC) -> None:
    """Puts a file in its place; it is on the disk when this returns.

    Raises:
        ConfigError: it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with told(path, "write"):
        try:
            opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with os.fdopen(opened, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)


def read(path: Path) -> bytes:
    """Returns what is in a file.

    Raises:
        ConfigError: it is not there, cannot be read or is too long.
    """
    with told(path, "read"), path.open("rb") as file:
        data = file.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise ConfigError(f"{path}: longer than {LONGEST} bytes: is that the right file?")
    return data


def read_certificate(path: Path) -> x509.Certificate:
    """Returns the certificate in a PEM file, the first of several.

    Raises:
        ConfigError: it holds none.
    """
    try:
        return x509.load_pem_x509_certificate(read(path))
    except ValueError as error:
        raise ConfigError(f"{path}: no certificate in PEM: {error}") from error


def pem(key: Key, passphrase: bytes | None = None) -> bytes:
    """Returns a private key as PKCS #8 in PEM, encrypted where there is a passphrase."""
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def read_key(path: Path, passphrase: bytes | None = None) -> Key:
    """Returns the private key in a PEM file.

    Raises:
        ConfigError: there is none, others may read it, or the passphrase is missing or wrong.
    """
    data = read(path)
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path}: others than its owner may use the key: run chmod 600 {path}")
    try:
        key = load_pem_private_key(data, passphrase if b"ENCRYPTED" in data else None)
    except TypeError as error:
        raise ConfigError(f"{path}: the key is under a passphrase: give it in LATCHKEY_CA_PASSPHRASE") from error
    except ValueError as error:
        raise ConfigError(f"{path}: no key in PEM, or the passphrase is wrong") from error
    if not isinstance(key, Key):
        raise ConfigError(f"{path}: wanted is a key of EC P-256")
    return key


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Waits until no other command changes the folder.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    with told(path, "write to"):
        opened = os.open(path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, SECRET)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


@contextmanager
def told(path: Path, doing: str) -> Iterator[None]:
    """Says which file could not be used.

    Raises:
        ConfigError: it could not.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{path}: cannot {doing} it: {error.strerror}") from error
