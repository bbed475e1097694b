"""What doors of a zone tell each other: who went through, and who is where."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from agent.mqtt.message import News, Person, Time

MOST_PEOPLE: Final = 2000  # in one `state/zone`: the latest
Zone = Annotated[str, Field(max_length=64)]


class PeerMessage(News):
    """What comes from another door, which may be of a newer version: what is not known is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class PeerStatus(PeerMessage):
    """What counts of another door's `status`."""

    state: str
    boot_id: str = ""


class PeerDoor(PeerMessage):
    """What counts of another door's `state/door`."""

    at: Time | None = None
    locked: bool
    contact: str | None = None


class Passage(PeerMessage):
    """Somebody went through a door."""

    person: Person
    zone: Zone  # now; "" is outside
    at: Time


class ZoneState(PeerMessage):
    """Who is where, as far as a device knows: its own passages and those it has heard of."""

    at: Time
    people: Annotated[tuple[Passage, ...], Field(max_length=MOST_PEOPLE)]
