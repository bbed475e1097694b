"""The authority: makes certificates and the list of those revoked. Values in, values out; no clock, no files.

Keys are EC P-256 with SHA-256: what every TLS stack has, also that of a card reader with a microcontroller, where
Ed25519 is often missing. Certificates follow RFC 5280, as strictly as Python's VERIFY_X509_STRICT reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from agent.errors import ConfigError
from agent.pki.identity import Identity, Kind

BACKDATED: Final = timedelta(days=1)  # a Pi has no clock of its own: its time may be a little behind at first
YEARS_OF_AUTHORITY: Final = 10
GROUP: Final = "latchkey:group:"
"""A group that a device is in stands as this URI among its certificate's names: the access lists are made from it."""

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_GROUP = re.compile(r"[A-Za-z0-9_.-]{1,64}")

Key: TypeAlias = EllipticCurvePrivateKey


def new_key() -> Key:
    """Returns a key that nobody has."""
    return generate_private_key(SECP256R1())


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate is for, and what else it says of it."""

    identity: Identity
    hosts: tuple[str, ...] = ()  # names and addresses: under which clients reach a broker, browsers a device
    groups: tuple[str, ...] = ()  # of a device

    @property
    def names(self) -> list[x509.GeneralName]:
        """The subject's alternative names."""
        if self.identity.kind is Kind.BROKER:
            return [_host(host) for host in self.hosts]
        uris = [f"latchkey:{self.identity.common_name}", *(f"{GROUP}{group}" for group in self.groups)]
        return [*(x509.UniformResourceIdentifier(uri) for uri in uris), *map(_host, self.hosts)]

    @property
    def purposes(self) -> list[x509.ObjectIdentifier]:
        """What it is for: devices serve pages to browsers, where they have addresses."""
        if self.identity.kind is Kind.BROKER:
            return [ExtendedKeyUsageOID.SERVER_AUTH]
        return [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if self.hosts else [])]


@dataclass(frozen=True, slots=True, eq=False)
class Authority:
    """An authority's certificate and key."""

    certificate: x509.Certificate
    key: Key = field(repr=False)

    @classmethod
    def new(cls, name: str, now: datetime, key: Key | None = None) -> Authority:
        """Returns an authority; with the `key` and `name` of an old one, what that one has signed stays valid."""
        key = key or new_key()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - BACKDATED)
            .not_valid_after(now + timedelta(days=365 * YEARS_OF_AUTHORITY))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return cls(builder.sign(key, SHA256()), key)

    def issue(
        self, subject: Subject, public: CertificatePublicKeyTypes, *, now: datetime, days: int
    ) -> x509.Certificate:
        """Returns a certificate over a public key; never for longer than the authority's own.

        Args:
            subject: whom it is for.
            public: the key of the subject.
            now: aware.
            days: how long it is valid.
        """
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject.identity.common_name)])
        end = min(now + timedelta(days=days), self.certificate.not_valid_after_utc)
        builder = (
            x509.CertificateBuilder(self.certificate.subject, name, public, x509.random_serial_number())
            .not_valid_before(max(now - BACKDATED, self.certificate.not_valid_before_utc))
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(subject.purposes), critical=False)
            .add_extension(x509.SubjectAlternativeName(subject.names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(self._known_by, critical=False)
        )
        return builder.sign(self.key, SHA256())

    def revoke(self, revoked: Mapping[int, datetime], *, number: int, now: datetime) -> x509.CertificateRevocationList:
        """Returns the signed list of revoked certificates.

        It counts as long as the authority does: Mosquitto lets nobody in with a list that has run out, and whoever
        revokes puts the new list there anyway.

        Args:
            revoked: serial number to when.
            number: of this list; each is higher than the one before.
            now: aware.
        """
        builder = (
            x509.CertificateRevocationListBuilder(self.certificate.subject)
            .last_update(now - BACKDATED)
            .next_update(self.certificate.not_valid_after_utc)
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(self._known_by, critical=False)
        )
        for serial, when in sorted(revoked.items()):
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder(serial_number=serial, revocation_date=when).build()
            )
        return builder.sign(self.key, SHA256())

    @property
    def _known_by(self) -> x509.AuthorityKeyIdentifier:
        own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def subject_of(certificate: x509.Certificate) -> Subject:
    """Returns whom a certificate is for.

    Raises:
        ConfigError: nobody of ours.
    """
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = str(names[0].value) if names else ""
    there: Sequence[x509.GeneralName] = ()
    purposes: Iterable[x509.ObjectIdentifier] = ()
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            there = list(extension.value)
        if isinstance(extension.value, x509.ExtendedKeyUsage):
            purposes = extension.value
    hosts = tuple(str(each.value) for each in there if isinstance(each, x509.DNSName | x509.IPAddress))
    if ExtendedKeyUsageOID.SERVER_AUTH in purposes and ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        return Subject(Identity(Kind.BROKER, name=name), hosts=hosts)
    uris = [each.value for each in there if isinstance(each, x509.UniformResourceIdentifier)]
    groups = tuple(uri.removeprefix(GROUP) for uri in uris if uri.startswith(GROUP))
    return Subject(Identity.parse(name), hosts, groups)


def server_hosts(texts: Iterable[str]) -> tuple[str, ...]:
    """Returns the names and addresses of a broker or a device, once each.

    Raises:
        ConfigError: one is neither.
    """
    hosts = tuple(dict.fromkeys(texts))
    for host in hosts:
        if not _HOST.fullmatch(host) and not _is_address(host):
            raise ConfigError(f"{host}: neither a host name (for instance broker.lan) nor an address")
    return hosts


def device_groups(texts: Iterable[str]) -> tuple[str, ...]:
    """Returns the groups of a device, once each.

    Raises:
        ConfigError: one cannot be a group's name.
    """
    groups = tuple(dict.fromkeys(text.removeprefix("@") for text in texts))
    for group in groups:
        if not _GROUP.fullmatch(group):
            raise ConfigError(f"{group}: want a group of devices, 1 to 64 letters, digits, '.', '_' or '-'")
    return groups


def _host(text: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(text)) if _is_address(text) else x509.DNSName(text)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        key_cert_sign=certificates,
        crl_sign=certificates,
        content_commitment=False,
        key_encipherment=False,  # of RSA alone
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
