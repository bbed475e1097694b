"""Keys of admins, for tests alone."""

from datetime import UTC, datetime, timedelta

from agent.attendance.punch import Clock
from agent.mqtt.admission import Admission
from agent.mqtt.topics import Topics
from agent.store import admins
from agent.trust.keys import Admin, SigningKey
from agent.trust.roles import Role
from agent.trust.statement import canonical, signed_command

OWNER = SigningKey(bytes(range(32)))
"""Owns every terminal of the tests."""
READER = SigningKey(bytes(range(100, 132)))
"""A card reader in the network, where a test lets it in."""


def signed(topics: Topics, verb: str, body: dict, now, key=OWNER, **more) -> bytes:
    """A command as an admin sends it; what is given stays as it is, however wrong."""
    times = {"issued": now.isoformat(), "not_after": (now + timedelta(seconds=20)).isoformat()}
    envelope = {"target": topics.targets[0], "key": key.public.id}
    return canonical(signed_command(verb, times | envelope | body | more, key))


def let_reader_in(db):
    """The terminal of a database believes READER from now on."""
    if admins.find(db, READER.public.id) is None:
        admins.add(db, Admin(READER.public, "reader", Role.READER), datetime.now(UTC), "cli")


def admission(topics: Topics, **more: tuple[SigningKey, Role]) -> Admission:
    """Lets the owner of all tests in, and others by name."""
    known = {"owner": (OWNER, Role.OWNER), "reader": (READER, Role.READER)} | more
    keys = {key.public.id: Admin(key.public, name, role) for name, (key, role) in known.items()}
    return Admission(lambda: topics.targets, keys.get, lambda: Clock.SYNCHRONISED)
