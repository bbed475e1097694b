"""Who may hold a certificate: the common name says all of it, and is the user name at the broker.

    device       <site>/<device>                    hq/front-door
    reader       <site>/<device>/reader:<name>      hq/front-door/reader:lobby
    all others   [<site>/]<kind>:<name>             admin:anna, hq/admin:anna, hq/roster:main, collector:1
    broker       a host name or an address; told apart by the certificate's purpose, never a user

Without a site it is for all sites of the broker. Neither `+` nor `#` can stand in one: Mosquitto refuses those, since
they would fit other users' topics (CVE-2017-7650).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.errors import ConfigError

LONGEST: Final = 64  # bytes of a common name (RFC 5280, ub-common-name)

_LEVEL: Final = r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,61}"  # also a folder's name: neither hidden nor ".."
_IDENTITY = re.compile(
    rf"(?:(?P<site>{_LEVEL})/)?(?:(?P<device>{_LEVEL})(?:/|\Z))?(?:(?P<kind>[a-z]+):(?P<name>{_LEVEL}))?"
)


class Kind(StrEnum):
    """What the holder of a certificate is."""

    DEVICE = "device"
    ADMIN = "admin"  # a person with `latchkey admin`; what they may ask is up to the key they sign with
    READER = "reader"  # a card reader or keypad of one device
    COLLECTOR = "collector"  # takes the events of a fleet
    ROSTER = "roster"  # the service that keeps the roster of a site
    HOME = "home"  # Home Assistant
    RELAY = "relay"  # signs for Home Assistant, which cannot
    KEEPER = "keeper"  # changes the broker's dynamic security while it runs; needed for nothing else
    BROKER = "broker"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a certificate is for.

    Raises:
        ConfigError: there can be no certificate of that name.
    """

    kind: Kind
    site: str = ""  # empty: all sites
    device: str = ""  # of devices and readers
    name: str = ""  # of all but devices; of a broker its first host

    def __post_init__(self) -> None:
        size = len(self.common_name.encode())
        if size > LONGEST:
            raise ConfigError(f"{self.common_name}: {size} letters, a certificate's name has {LONGEST} at most")
        if self.kind is not Kind.BROKER and _parsed(self.common_name) != (self.kind, self.site, self.device, self.name):
            raise ConfigError(
                f"{self.common_name}: wanted are names of letters, digits, '.', '_' and '-', not beginning with '.'"
            )

    @property
    def common_name(self) -> str:
        """What the certificate calls its holder."""
        if self.kind is Kind.BROKER:
            return self.name
        who = "" if self.kind is Kind.DEVICE else f"{self.kind}:{self.name}"
        return "/".join(level for level in (self.site, self.device, who) if level)

    @classmethod
    def parse(cls, text: str) -> Identity:
        """Returns whom a common name or an argument means; never a broker.

        Raises:
            ConfigError: nobody.
        """
        found = _parsed(text)
        if found is None or text.endswith("/"):
            raise ConfigError(
                f"{text}: no identity; a device is SITE/DEVICE, others are KIND:NAME or SITE/KIND:NAME, for instance"
                " hq/front-door, admin:anna, hq/roster:main"
            )
        return cls(*found)


def _parsed(text: str) -> tuple[Kind, str, str, str] | None:
    match = _IDENTITY.fullmatch(text)
    if match is None:
        return None
    site, device, kind, name = (part or "" for part in match.group("site", "device", "kind", "name"))
    if kind == "":
        return (Kind.DEVICE, site, device, "") if site and device else None
    if kind not in set(Kind) - {Kind.DEVICE, Kind.BROKER} or bool(device) != (kind == Kind.READER):
        return None
    if kind == Kind.ROSTER and not site:  # there is one a site
        return None
    return Kind(kind), site, device, name
