"""The folder of an authority. What it has issued and revoked is what its own signed files say; there is no other book.

ca.crt            the authority: for the broker, every device and every admin
ca.key            its key (0600), under a passphrase if wanted; the one secret to keep away from the network
crl.pem           the revoked, for the broker
issued/<serial>.crt   every certificate it ever made
bundles/<name>/   what its holder gets: certificate, key, ca.crt
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from agent.errors import ConfigError
from agent.pki import files
from agent.pki.authority import Authority, Subject, subject_of

DAYS: Final = 365
"""How long certificates are valid unless told otherwise."""
SOON: Final = timedelta(days=30)
"""A certificate that ends within this time is told of, and renewed."""


@dataclass(frozen=True, slots=True, eq=False)
class Issued:
    """A certificate that the authority has made."""

    certificate: x509.Certificate
    subject: Subject
    revoked_at: datetime | None

    @property
    def serial(self) -> str:
        """Its serial number in hexadecimal."""
        return f"{self.certificate.serial_number:x}"

    @property
    def common_name(self) -> str:
        """Whom it is for."""
        return self.subject.identity.common_name

    @property
    def ends(self) -> datetime:
        """When it ends, UTC."""
        return self.certificate.not_valid_after_utc

    def state(self, now: datetime) -> str:
        """Returns `valid`, `ends soon`, `ended` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        if self.ends <= now:
            return "ended"
        return "ends soon" if self.ends <= now + SOON else "valid"


class Registry:
    """An authority and all it has issued, in a folder.

    Raises:
        ConfigError: there is no authority in the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not self.authority_file.exists():
            raise ConfigError(f"{folder}: no authority there yet: latchkey admin pki init")

    @classmethod
    def create(cls, folder: Path, name: str, *, now: datetime, passphrase: bytes | None = None) -> Registry:
        """Makes an authority.

        Raises:
            ConfigError: there is one, or the folder cannot be written to.
        """
        files.folder(folder)
        with files.locked(folder):
            if (folder / "ca.key").exists() or (folder / "ca.crt").exists():
                raise ConfigError(f"{folder}: there is an authority already, which is never overwritten")
            authority = Authority.new(name, now)
            files.folder(folder / "issued")
            files.write(folder / "ca.key", files.pem(authority.key, passphrase), files.SECRET)
            files.write(folder / "crl.pem", authority.revoke({}, number=1, now=now).public_bytes(Encoding.PEM))
            files.write(folder / "ca.crt", authority.certificate.public_bytes(Encoding.PEM))  # last: now it is there
        return cls(folder)

    @property
    def authority_file(self) -> Path:
        """The authority's certificate."""
        return self.folder / "ca.crt"

    @property
    def revoked_file(self) -> Path:
        """The list of revoked certificates."""
        return self.folder / "crl.pem"

    @property
    def has_passphrase(self) -> bool:
        """Whether the key is under a passphrase."""
        return b"ENCRYPTED" in files.read(self.folder / "ca.key")

    def authority(self, passphrase: bytes | None = None) -> Authority:
        """Returns what signs.

        Raises:
            ConfigError: the key is not there, or the passphrase is missing or wrong.
        """
        certificate = files.read_certificate(self.authority_file)
        key = files.read_key(self.folder / "ca.key", passphrase)
        if key.public_key() != certificate.public_key():
            raise ConfigError(f"{self.folder}: ca.key is not the key of ca.crt")
        return Authority(certificate, key)

    def issued(self) -> list[Issued]:
        """Returns all certificates, by name and then by their end.

        Raises:
            ConfigError: a file of the folder is damaged.
        """
        revoked = {each.serial_number: each.revocation_date_utc for each in self._revoked()}
        found = []
        for file in sorted((self.folder / "issued").glob("*.crt")):
            certificate = files.read_certificate(file)
            found.append(Issued(certificate, subject_of(certificate), revoked.get(certificate.serial_number)))
        return sorted(found, key=lambda each: (each.common_name, each.ends))

    def of(self, name: str) -> list[Issued]:
        """Returns the certificates of a common name that are not revoked; the last is that which ends last.

        Raises:
            ConfigError: there are none.
        """
        found = [each for each in self.issued() if each.common_name == name and each.revoked_at is None]
        if not found:
            raise ConfigError(f"{name}: no certificate, or only revoked ones: see latchkey admin pki list")
        return found

    def newest(self) -> list[Issued]:
        """Returns one certificate for each name: the one that ends last, of those not revoked."""
        return list({each.common_name: each for each in self.issued() if each.revoked_at is None}.values())

    def issue(
        self, authority: Authority, subject: Subject, public: CertificatePublicKeyTypes, *, now: datetime, days: int
    ) -> x509.Certificate:
        """Makes a certificate and keeps it.

        Raises:
            ConfigError: the folder cannot be written to, or the authority has ended.
        """
        if authority.certificate.not_valid_after_utc <= now:
            raise ConfigError(f"{self.authority_file}: the authority has ended: latchkey admin pki renew --authority")
        with files.locked(self.folder):
            certificate = authority.issue(subject, public, now=now, days=days)
            file = self.folder / "issued" / f"{certificate.serial_number:x}.crt"
            files.write(file, certificate.public_bytes(Encoding.PEM))
        return certificate

    def revoke(self, authority: Authority, serials: Iterable[int], *, now: datetime) -> None:
        """Puts certificates on the list of the revoked; what is on it stays. Without any it is signed anew.

        Raises:
            ConfigError: the folder cannot be written to.
        """
        with files.locked(self.folder):
            there = self._revoked()
            revoked = dict.fromkeys(serials, now) | {each.serial_number: each.revocation_date_utc for each in there}
            number = there.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number + 1
            files.write(self.revoked_file, authority.revoke(revoked, number=number, now=now).public_bytes(Encoding.PEM))

    def renew_authority(self, authority: Authority, *, now: datetime) -> None:
        """Gives the authority another ten years: the same name and key, so that what it has signed stays valid.

        Raises:
            ConfigError: the folder cannot be written to.
        """
        name = str(next(iter(authority.certificate.subject)).value)
        with files.locked(self.folder):
            renewed = Authority.new(name, now, authority.key)
            files.write(self.authority_file, renewed.certificate.public_bytes(Encoding.PEM))
        self.revoke(renewed, (), now=now)

    def _revoked(self) -> x509.CertificateRevocationList:
        """The list as it stands; one that somebody else has made counts for nothing."""
        try:
            found = x509.load_pem_x509_crl(files.read(self.revoked_file))
        except ValueError as error:
            raise ConfigError(f"{self.revoked_file}: no list of revoked certificates in PEM: {error}") from error
        if not found.is_signature_valid(files.read_certificate(self.authority_file).public_key()):  # type: ignore[arg-type]  # EC
            raise ConfigError(f"{self.revoked_file}: not signed by this authority")
        return found
