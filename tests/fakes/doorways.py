"""A doorkeeper whose clock is set by hand, PINs that are their own hashes, cards that are their own digests."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from agent.access.around import Around
from agent.access.doorkeeper import Doorkeeper
from agent.access.factors import Factors
from agent.access.holder import Holder, Register, Standing
from agent.access.rules import DoorRules, Grant, Mode, Rules, Zone
from agent.access.schedule import ALWAYS, Period, Schedule
from agent.signature.judge import Judge, References
from agent.types import Credential, Decision, Embedding, Match, Reason, Sighting

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
OFFICE = Schedule("office", (*((Period(time(7), time(19)),),) * 5, (), ()))
STAFF = frozenset({"staff"})


class NoHolidays:
    def kind(self, day, /):
        return None


def register(*holders: Holder, signs: tuple[str, ...] = ("anna",)) -> Register:
    """Everybody has a badge number and a card of their own name, "card-anna"; those of `signs` have signed."""
    people = {holder.id: holder for holder in holders}
    return Register(
        people,
        {f"1-{name}": name for name in people},
        {f"card-{name}": name for name in people},
        {name: References(signature(name, 0.0).vector[None], "signatures") for name in people if name in signs},
    )


def signature(writer: str, off: float = 0.1) -> Embedding:
    """As somebody signs: those of two are far apart, those of one `off` of each other."""
    at = {"anna": 0.0, "ben": 1.5}[writer] + off
    return Embedding(np.array([np.cos(at), np.sin(at)], np.float32), "signatures")


JUDGE = Judge({1: 0.5})


def rules(*doors: DoorRules, zones: tuple[Zone, ...] = (), schedule: str = "always") -> Rules:
    return Rules(
        1,
        NoHolidays(),
        ZoneInfo("UTC"),
        {"always": ALWAYS, "office": OFFICE},
        {door.name: door for door in doors},
        {zone.name: zone for zone in zones},
        {"staff": (Grant(STAFF, frozenset({"*"}), schedule),)},
    )


def digest(number: str) -> str:
    if len(number) < 4:
        raise ValueError("a card number has 4 characters at least")  # as `agent.pins.digest_card` says
    return number


def door(factors: str = "face", **more) -> DoorRules:
    return DoorRules("front", Factors.parse(factors), **more)


ANNA = Holder("anna", STAFF, pin="4711", duress="4799")
BEN = Holder("ben", STAFF, pin="2580")


def plain_card(number):
    if len(number) < 4:  # as `agent.pins.digest_card`
        raise ValueError("a card number has 4 characters at least")
    return number


class Doorway:
    """A door at which people come and time goes by."""

    def __init__(
        self,
        of: DoorRules | None = None,
        *people: Holder,
        zones: tuple[Zone, ...] = (),
        schedule: str = "always",
        standings: Mapping[str, Standing] | None = None,
        mode: Mode | None = None,
        opened_on: str | None = None,
        more: tuple[DoorRules, ...] = (),
        weigh: Judge | None = JUDGE,
    ) -> None:
        of = of or door()
        self.around = Around(MONDAY)
        self.keeper = Doorkeeper(
            of.name,
            rules(of, *more, zones=zones, schedule=schedule),
            register(*(people or (ANNA, BEN))),
            standings=standings or {},
            mode=mode,
            opened_on=opened_on,
            check_pin=lambda pin, hash_: pin == hash_,
            digest=digest,
            weigh=weigh,
        )

    def sign(self, writer: str, off: float = 0.1) -> Decision | None:
        shown = Credential(self.around.at, signature=signature(writer, off))
        return self.keeper.show(shown, self.around)

    def set(self, **around) -> "Doorway":
        self.around = replace(self.around, **around)
        return self

    def wait(self, seconds: float) -> list[Decision]:
        self.around = replace(self.around, at=self.around.at + timedelta(seconds=seconds))
        return self.keeper.tick(self.around)

    def face(self, person: str | None, reason: Reason = Reason.MATCH, **more) -> Decision | None:
        return self.keeper.see(sighting(person, reason, at=self.around.at, **more), self.around)

    def nobody(self, reason: Reason = Reason.UNKNOWN) -> Decision | None:
        return self.face(None, reason)

    def card(self, number: str, **more) -> Decision | None:
        return self.keeper.show(Credential(self.around.at, card=number, **more), self.around)

    def pin(self, pin: str, badge: str | None = None, **more) -> Decision | None:
        return self.keeper.show(Credential(self.around.at, badge=badge, pin=pin, **more), self.around)

    def badge(self, badge: str) -> Decision | None:
        return self.keeper.show(Credential(self.around.at, badge=badge), self.around)

    def press(self, **more) -> Decision | None:
        return self.keeper.show(Credential(self.around.at, **more), self.around)


def sighting(person: str | None, reason: Reason = Reason.MATCH, *, at: datetime = MONDAY, **more) -> Sighting:
    match = Match(person or "ben", 0.7 if person else 0.3, None, 2.0)
    text = f"0.70 to {person}, need 0.50" if person else "0.30 to ben, need 0.50"
    return Sighting(at, "front", 1, reason, person, match, 0.5, 2, 2 if person else 0, None, text, **more)
