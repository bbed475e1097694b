"""Certificates that browsers take, made by our own authority."""

from datetime import UTC, datetime

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.pki.authority import Authority, Subject, new_key
from agent.pki.identity import Identity


def device_files(folder, hosts=("127.0.0.1", "localhost"), *, days=90, name="hq/front-door", authority=None):
    """The authority's certificate, and the device's with its key, as files; made again in the place of those before."""
    now = datetime.now(UTC)
    authority = authority or Authority.new("Latchkey", now)
    key = new_key()
    made = authority.issue(Subject(Identity.parse(name), tuple(hosts)), key.public_key(), now=now, days=days)
    ca, certificate, secret = folder / "ca.crt", folder / "device.crt", folder / "device.key"
    ca.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return ca, certificate, secret
