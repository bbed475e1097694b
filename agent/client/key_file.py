"""The file of an admin's key: PKCS#8 in PEM (RFC 5958, RFC 8410), which OpenSSL reads, too."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.client import files
from agent.errors import ConfigError
from agent.trust.keys import PublicKey, SigningKey

VARIABLE: Final = "LATCHKEY_ADMIN_PASSPHRASE"
_UNDER_PASSPHRASE: Final = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"


def passphrase_told(environ: Mapping[str, str] = os.environ) -> str:
    """Returns the passphrase of the environment.

    Raises:
        ConfigError: there is none.
    """
    told = environ.get(VARIABLE)
    if not told:
        raise ConfigError(f"the key wants a passphrase: set {VARIABLE}, or run this where one can be asked for")
    return told


def read(path: Path, passphrase: Callable[[], str] = passphrase_told) -> SigningKey:
    """Returns the key in a file.

    Args:
        path: which.
        passphrase: asked only where the file wants one.

    Raises:
        ConfigError: there is none, others can read it, it is no Ed25519 key, or the passphrase is wrong.
    """
    data = files.read(path, secret=True)
    if data is None:
        raise ConfigError(f"{path} is not there: `latchkey admin key create` makes it")
    secret = passphrase().encode() if _UNDER_PASSPHRASE in data else None
    try:
        key = serialization.load_pem_private_key(data, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        wrong = "the passphrase is wrong, or the file is damaged" if secret else "no private key in PEM"
        raise ConfigError(f"{path}: {wrong}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path}: no Ed25519 key: `latchkey admin key create` makes one")
    return SigningKey(key.private_bytes_raw())


def write(path: Path, key: SigningKey, passphrase: str | None, *, replace: bool = False) -> None:
    """Writes a key and, beside it, its public half.

    Args:
        path: where to.
        key: which.
        passphrase: encrypts it; None or empty: it is as safe as the file.
        replace: another one that is there is overwritten.

    Raises:
        ConfigError: it cannot be written, or there is one already.
    """
    files.write(path, pem(key, passphrase), replace=replace)
    files.write(public_file(path), f"{key.public.text}\n".encode())


def pem(key: SigningKey, passphrase: str | None) -> bytes:
    """Returns a key as PEM, encrypted where there is a passphrase."""
    hidden: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        hidden = serialization.BestAvailableEncryption(passphrase.encode())
    return Ed25519PrivateKey.from_private_bytes(key.secret).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden
    )


def encrypted(path: Path) -> bool:
    """Returns whether a key file wants a passphrase."""
    return _UNDER_PASSPHRASE in (files.read(path, secret=True) or b"")


def public(path: Path) -> PublicKey:
    """Returns the public half of a key, without its passphrase.

    Raises:
        ConfigError: there is none.
    """
    data = files.read(public_file(path))
    if data is None:
        raise ConfigError(f"{public_file(path)} is not there: `latchkey admin key create` makes a key")
    try:
        return PublicKey.parse(data.decode().strip())
    except ValueError as error:
        raise ConfigError(f"{public_file(path)}: no public key: {error}") from None


def public_file(path: Path) -> Path:
    """Returns where the public half of a key is."""
    return path.with_name(f"{path.name}.pub")
