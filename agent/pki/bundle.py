"""What the holder of a certificate gets: a folder to copy to the device, the broker or the laptop."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from agent.errors import ConfigError
from agent.pki import files
from agent.pki.authority import Authority, Subject, new_key
from agent.pki.identity import Identity, Kind
from agent.pki.registry import Registry

PORT: Final = 8883
UNLOCK: Final = "#remote_unlock = true  # let operators and owners unlock from afar\n\n"


def bundle_folder(registry: Registry, identity: Identity) -> Path:
    """Returns where the bundle of an identity is."""
    return registry.folder / "bundles" / identity.common_name.replace(":", "-")


def make_bundle(
    registry: Registry, authority: Authority, subject: Subject, *, now: datetime, days: int, request: Path | None = None
) -> Path:
    """Makes a key and a certificate over it; returns the folder with both.

    Args:
        registry: where it is kept.
        authority: what signs.
        subject: for whom.
        now: aware.
        days: how long the certificate is valid.
        request: a signing request in PEM; then its key is certified, and stays where it is.

    Raises:
        ConfigError: a file cannot be written, or the request is none.
    """
    if request is not None:
        public, secret = _requested(request), None
    else:
        key = new_key()
        public, secret = key.public_key(), files.pem(key)
    return _write(registry, subject, registry.issue(authority, subject, public, now=now, days=days), secret)


def renew_bundle(
    registry: Registry, authority: Authority, name: str, *, now: datetime, days: int, another_key: bool
) -> Path:
    """Makes the certificate anew; returns the folder. Without `another_key` that in use goes on: only one file is new.

    Raises:
        ConfigError: there is no certificate to renew, or a file cannot be written.
    """
    old = registry.of(name)[-1]
    if another_key:
        return make_bundle(registry, authority, old.subject, now=now, days=days)
    public = old.certificate.public_key()
    return _write(registry, old.subject, registry.issue(authority, old.subject, public, now=now, days=days), None)


def agent_lines(subject: Subject, host: str) -> str:
    """Returns what a device's agent.toml is to say; the files lie in the folder `tls` beside it."""
    lines: dict[str, dict[str, object]] = {
        "device": {"site": subject.identity.site, "name": subject.identity.device, "groups": list(subject.groups)},
        "mqtt": {"enabled": True, "host": host, "port": PORT},
        "mqtt.tls": {"enabled": True, "ca": "tls/ca.crt", "cert": "tls/device.crt", "key": "tls/device.key"},
    }
    text = ""
    for table, keys in lines.items():
        text += f"[{table}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
        text += UNLOCK if table == "mqtt" else "\n"
    return text.rstrip() + "\n"


def _write(registry: Registry, subject: Subject, certificate: x509.Certificate, secret: bytes | None) -> Path:
    identity = subject.identity
    folder = files.folder(bundle_folder(registry, identity))
    files.write(folder / "ca.crt", files.read(registry.authority_file))
    if secret is not None:
        files.write(folder / f"{identity.kind}.key", secret, files.SECRET)
    files.write(folder / f"{identity.kind}.crt", certificate.public_bytes(Encoding.PEM))
    if identity.kind is Kind.DEVICE:
        files.write(folder / "agent.toml", agent_lines(subject, _broker(registry)).encode())
    return folder


def _broker(registry: Registry) -> str:
    """The host that the newest certificate of a broker is for."""
    brokers = [each for each in registry.newest() if each.subject.identity.kind is Kind.BROKER]
    newest = max(brokers, key=lambda each: each.ends, default=None)
    return newest.subject.hosts[0] if newest and newest.subject.hosts else "broker.example"


def _requested(request: Path) -> CertificatePublicKeyTypes:
    try:
        found = x509.load_pem_x509_csr(files.read(request))
    except ValueError as error:
        raise ConfigError(f"{request}: no certificate signing request in PEM: {error}") from error
    if not found.is_signature_valid:
        raise ConfigError(f"{request}: it is not signed by the key that it is for")
    return found.public_key()
