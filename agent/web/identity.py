"""Which certificate a page shows, and whether it needs one: beyond this machine nothing is served in the clear."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from agent.config import Config
from agent.config.admin import loopback
from agent.errors import ConfigError
from agent.pki import files

log = logging.getLogger(__name__)

MADE_BY: Final = "`latchkey admin pki device SITE/DEVICE --address ADDRESS` makes one for browsers"


def identity_of(config: Config) -> tuple[Path, Path] | None:
    """Returns certificate and key of the admin page; None: it is for this machine alone, and not encrypted.

    Raises:
        ConfigError: others may ask, and there is no certificate that a browser takes.
    """
    return _identity(config, "admin", config.admin.host, always=config.admin.certificate is not None)


def kiosk_identity(config: Config) -> tuple[Path, Path] | None:
    """Returns the same for the page at the wall, which has no certificate of its own."""
    return _identity(config, "web", config.web.host, always=False)


def _identity(config: Config, table: str, host: str, *, always: bool) -> tuple[Path, Path] | None:
    own, tls = config.admin, config.mqtt.tls
    if loopback(host) and not always:
        return None
    certificate, key = (own.certificate, own.key) if own.certificate else (tls.cert, tls.key)
    if certificate is None or key is None:
        raise ConfigError(
            f"[{table}] host = {host!r} lets others ask, so the page has to be encrypted: give [admin] certificate and "
            f"key, or [mqtt.tls] cert and key ({MADE_BY}), or keep host = '127.0.0.1'"
        )
    check_purpose(certificate)
    return certificate, key


def check_purpose(certificate: Path) -> None:
    """Refuses a certificate that no browser would take: one for clients alone, or without any address.

    Raises:
        ConfigError: it is such a one, or cannot be read.
    """
    read = files.read_certificate(certificate)
    extensions = {type(each.value): each.value for each in read.extensions}
    purposes = extensions.get(x509.ExtendedKeyUsage)
    names = extensions.get(x509.SubjectAlternativeName, [])
    serves = purposes is None or ExtendedKeyUsageOID.SERVER_AUTH in purposes
    if not serves or not any(isinstance(each, x509.DNSName | x509.IPAddress) for each in names):
        raise ConfigError(
            f"{certificate} is for no server that a browser knows: it names no address, or is for clients: {MADE_BY}"
        )


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Returns what a server encrypts by. A certificate that is renewed on the disk counts for the next connection.

    Raises:
        ConfigError: the files are not there, or do not belong together.
    """
    return _Renewed(certificate, key).context


def _stamp(file: Path) -> int:
    """When it was written; 0 where it is not there, which may be while it is renewed."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


class _Renewed:
    """Two files, and what was made of them last; asked in the server's thread, once a connection."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = (certificate, key)
        self._seen = self._stamps()
        self.context = self._latest = self._made()
        # Called with every handshake, also without a name: https://docs.python.org/3/library/ssl.html
        self.context.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, _: str | None, __: ssl.SSLContext) -> None:
        if (stamps := self._stamps()) != self._seen:
            self._seen = stamps
            try:
                self._latest = self._made()
                log.info("the certificate of the page was renewed: %s", self._files[0])
            except ConfigError as error:  # one of the two is not there yet: looked at again when it changes
                log.warning("the certificate of the page stays as it was: %s", error)
        connection.context = self._latest

    def _stamps(self) -> tuple[int, ...]:
        return tuple(map(_stamp, self._files))

    def _made(self) -> ssl.SSLContext:
        certificate, key = self._files
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(certificate, key)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError(f"{certificate} and {key}: no certificate and its key: {error}") from error
        return context
