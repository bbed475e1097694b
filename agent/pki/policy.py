"""What the broker lets each identity publish and hear: the one table behind the access list and dynamic security.

The broker's rules are the second fence: commands, events and rosters are signed besides (deploy/SECURITY.md), so that
a broker which forgets its rules opens no door. They keep out floods, listeners and jammers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.homeassistant.bundle import discovery_topic
from agent.mqtt.topics import ROOT
from agent.pki.authority import Subject
from agent.pki.identity import Kind

HOME: Final = "homeassistant"  # the prefix of its discovery, unless told otherwise
SHARED: Final = "$share/collector/"  # the group that the collectors share


class Access(StrEnum):
    """What is allowed."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to publish to a topic, or to hear it; `topic` may have wildcards."""

    access: Access
    topic: str
    shared: bool = False  # heard by one of a group at a time, too


def grants(subject: Subject) -> tuple[Grant, ...]:
    """Returns all that an identity may do; what is not there is refused."""
    identity = subject.identity
    if identity.kind is Kind.DEVICE:
        return own_grants(f"{identity.site}/{identity.device}") + _beside_own(subject)
    told = _OF.get(identity.kind)
    return told(identity.site or "+", identity.device or "+") if told else ()


def own_grants(device: str) -> tuple[Grant, ...]:
    """Returns what a device may do on its own topics.

    Args:
        device: `<site>/<device>`, or what stands for that.
    """
    own = f"{ROOT}/{device}"
    says = "status health state/+ passage snapshot event/+ pair/+/answer cmd/+/+/result cmd/+/+/progress"
    hears = "cmd/+ cmd/+/+/part/+/+ in/credential event/ack pair"
    return _grants(own, writes=says, reads=hears)


def _beside_own(subject: Subject) -> tuple[Grant, ...]:
    """What a device may do beside: its groups, the other doors of its site, the roster, Home Assistant's discovery."""
    site, device = subject.identity.site, subject.identity.device
    around = f"{ROOT}/{site}"
    groups = [f"@{group}" for group in ("all", *subject.groups)]
    commands = " ".join(f"{group}/cmd/+ {group}/cmd/+/+/part/+/+" for group in groups)
    peers = "+/status +/state/door +/state/zone +/passage"
    roster = f"@roster/head @roster/page/{device}"
    return (
        *_grants(around, writes=f"@roster/pull/{device}", reads=f"{commands} {peers} {roster}"),
        *_grants(HOME, writes=discovery_topic(HOME, site, device).removeprefix(f"{HOME}/"), reads="status"),
    )


def _admin(site: str, _: str) -> tuple[Grant, ...]:
    device = _grants(
        f"{ROOT}/{site}/+",
        writes="cmd/+ cmd/+/+/part/+/+ pair",
        reads="status health state/+ passage event/+ pair/+/answer cmd/+/+/result cmd/+/+/progress",
    )
    roster = _grants(f"{ROOT}/{site}/@roster", writes="put/+ ask/+", reads="head answer/+")
    return device + roster + _grants(HOME, writes=f"latchkey/{site}/release")


def _reader(site: str, device: str) -> tuple[Grant, ...]:
    return _grants(f"{ROOT}/{site}/{device}", writes="in/credential", reads="status state/door")


def _collector(site: str, _: str) -> tuple[Grant, ...]:
    heard = ("event/+", "status", "health")
    shared = tuple(Grant(Access.READ, f"{ROOT}/{site}/+/{topic}", shared=True) for topic in heard)
    return shared + _grants(f"{ROOT}/{site}", writes="+/event/ack")


def _roster(site: str, _: str) -> tuple[Grant, ...]:
    return _grants(f"{ROOT}/{site}/@roster", writes="head page/+ answer/+", reads="put/+ ask/+ pull/+")


def _home(site: str, _: str) -> tuple[Grant, ...]:
    news = _grants(f"{ROOT}/{site}/+", reads="status health state/door snapshot event/access event/alarm")
    return news + _grants(HOME, writes="status latchkey/+/+/lock/set", reads="#")


def _relay(site: str, _: str) -> tuple[Grant, ...]:
    commands = _grants(
        f"{ROOT}/{site}/+",
        writes="cmd/unlock cmd/lock",
        reads="status state/door cmd/unlock/+/result cmd/lock/+/result",
    )
    return commands + _grants(HOME, reads=f"latchkey/{site}/+/lock/set")


def _keeper(_: str, __: str) -> tuple[Grant, ...]:
    return _grants("$CONTROL/dynamic-security", writes="v1", reads="v1/response")


_OF: Final[Mapping[Kind, Callable[[str, str], tuple[Grant, ...]]]] = {
    Kind.ADMIN: _admin,
    Kind.READER: _reader,
    Kind.COLLECTOR: _collector,
    Kind.ROSTER: _roster,
    Kind.HOME: _home,
    Kind.RELAY: _relay,
    Kind.KEEPER: _keeper,
}


def _grants(prefix: str, *, writes: str = "", reads: str = "") -> tuple[Grant, ...]:
    """Grants below a prefix, from words."""
    return tuple(
        Grant(access, f"{prefix}/{topic}")
        for access, topics in ((Access.WRITE, writes), (Access.READ, reads))
        for topic in topics.split()
    )
