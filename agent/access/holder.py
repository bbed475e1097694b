"""A person as the rules see one: no name, no face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.access.factors import Factors
    from agent.signature.judge import References


class State(StrEnum):
    """Where a person stands with the site."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"
    BLOCKED = "blocked"  # on the blocklist: denied, and an alarm


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds credentials."""

    id: str
    groups: frozenset[str] = frozenset()
    state: State = State.ACTIVE
    valid_from: datetime | None = None  # UTC
    valid_to: datetime | None = None  # UTC; from this instant on no longer
    badge: str | None = None
    factors: Factors | None = None  # None: what the door asks for
    extended: bool = False  # needs more time at the door
    visitor: bool = False
    pin: str | None = field(default=None, repr=False)  # hash
    duress: str | None = field(default=None, repr=False)  # hash


@dataclass(frozen=True, slots=True)
class Register:
    """Everybody, as of one moment; replaced as a whole when people change."""

    people: Mapping[str, Holder] = field(default_factory=dict)  # by id
    badges: Mapping[str, str] = field(default_factory=dict)  # badge number -> id
    cards: Mapping[str, str] = field(default_factory=dict, repr=False)  # keyed digest of the number -> id
    signatures: Mapping[str, References] = field(default_factory=dict, repr=False)  # by id


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands with this door and its zone: what has to outlive a restart."""

    failures: int = 0  # wrong PINs and cards in a row
    lockouts: int = 0  # in a row; each is twice as long as the one before
    locked_until: datetime | None = None
    pin_at: datetime | None = None  # the last right PIN
    zone: str | None = None  # where the person is; "" is outside every zone, None: nobody knows
    zone_at: datetime | None = None
    signed: tuple[bytes, ...] = field(default=(), repr=False)  # marks of the last right signatures, the latest first
