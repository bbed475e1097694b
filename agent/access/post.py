"""What all parts of a doorkeeper look at: the door, its rules, the people, and how these stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agent.access import failures, passback
from agent.access.factors import Factors
from agent.access.holder import Holder, Register, Standing
from agent.access.modes import Modes
from agent.access.permits import factors_for
from agent.access.rules import DoorRules, Mode, Rules
from agent.access.standings import Standings
from agent.types import Shown


@dataclass(slots=True, eq=False)
class Post:
    """One door. Rules and register are replaced as a whole when they change."""

    name: str  # of the door
    rules: Rules
    register: Register
    standings: Standings
    modes: Modes

    @property
    def door(self) -> DoorRules:
        """The rules of this door."""
        return self.rules.door(self.name)

    @property
    def locked_down(self) -> bool:
        """Whether nobody is let in."""
        return self.modes.mode(self.rules) is Mode.LOCKED_DOWN

    def standing(self, person: str, at: datetime) -> Standing:
        """Returns how somebody stands, with no times but such that the clock can have reached."""
        standing = failures.rein(self.standings.of(person), self.door, at)
        standing = passback.rein(standing, self.rules, self.door, at)
        self.standings.put(person, standing)
        return standing

    def locked_seconds(self, person: str, at: datetime) -> float:
        """Returns how much longer somebody's PINs and cards are not looked at."""
        return failures.locked_seconds(self.standing(person, at), at)

    def factors(self, holder: Holder | None, at: datetime) -> Factors:
        """Returns what this person has to show now; None is whoever comes first."""
        factors = factors_for(self.rules, self.name, holder, at)
        if holder is None:
            return factors
        if holder.id not in self.register.signatures:  # another way, if there is one
            factors = factors.without(Shown.SIGNATURE)
        due = failures.pin_due(self.standing(holder.id, at), self.door, at)
        return factors.with_pin() if due else factors
