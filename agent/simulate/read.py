"""Reads a script: all of it, or every line that is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from agent.access.keypad import parse as typed
from agent.access.rules import Mode, Rules
from agent.attendance.classify import find_key
from agent.errors import ScriptRefused
from agent.moments import believable
from agent.simulate.people import People
from agent.simulate.script import FORMS, Change, Script, Step

LONGEST_TEXT = 1_000_000  # characters

_COMMENT = re.compile(r"(^|\s)#.*")
_TIME = re.compile(r"(\d\d:\d\d(?::\d\d)?)([+-]\d\d:\d\d|Z)?")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(.+))?")


def read(text: str, rules: Rules) -> Script:
    """Returns the script that `text` writes.

    Args:
        text: lines, as `deploy/day.example.txt` explains.
        rules: that it is to be replayed against: they name the doors and the time zone.

    Raises:
        ScriptRefused: listing every line that is wrong.
    """
    if len(text) > LONGEST_TEXT:
        raise ScriptRefused([f"the script has {len(text):,} characters: want at most {LONGEST_TEXT:,}"])
    reading = _Reading(rules)
    problems = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if words := _COMMENT.sub("", line).split():
            try:
                reading.take(number, words)
            except ValueError as error:
                problems.append(f"line {number}: {error}")
    if not problems and not reading.steps:
        problems.append("nothing happens: want lines such as `08:58 front face anna` after `day 2026-11-23`")
    if problems:
        raise ScriptRefused(problems)
    return reading.script()


@dataclass(slots=True)
class _Reading:
    """A script so far."""

    rules: Rules
    people: People = field(default_factory=People)
    start: People | None = None  # as they were when the first thing happened
    day: date | None = None
    at: datetime | None = None  # of the last line, UTC
    steps: list[Step | Change] = field(default_factory=list)

    def take(self, number: int, words: list[str]) -> None:
        """Reads a line; a ValueError says what is wrong with it."""
        if words[0] == "person":
            self._person(words[1:])
        elif words[0] == "day":
            self._day(words[1:])
        elif _TIME.fullmatch(words[0]):
            self._happens(number, words[0], words[1:])
        else:
            raise ValueError(f"want `person`, `day` or a time such as 08:58 first, got {words[0]!r}")

    def script(self) -> Script:
        """Returns all of it."""
        steps = tuple(self.steps)
        at_doors = [step for step in steps if isinstance(step, Step)]
        contacts = frozenset(step.door for step in at_doors if step.verb in {"opens", "closes"})
        return Script(
            (self.start or self.people).register(),
            steps,
            tuple(dict.fromkeys([*self.rules.doors, *(step.door for step in at_doors)])),
            contacts,
        )

    def _person(self, words: list[str]) -> None:
        if self.steps:
            raise ValueError("a person who changes later needs a time before `person`")
        self.people.set(words, self._time)

    def _day(self, words: list[str]) -> None:
        if len(words) != 1 or not re.fullmatch(r"\d{4}-\d\d-\d\d", words[0]):
            raise ValueError("want `day` and a date such as 2026-11-23")
        day = date.fromisoformat(words[0])
        if self.day is not None and day < self.day:
            raise ValueError(f"{day} is before {self.day}: days go on")
        self.day = day

    def _happens(self, number: int, clock: str, words: list[str]) -> None:
        at = self._time(clock)
        if self.at is not None and at < self.at:
            last = self.at.astimezone(self.rules.zone)
            raise ValueError(f"{clock} is before the {last:%Y-%m-%d %H:%M:%S} of the line above: time goes on")
        self.at = at
        if words[:1] == ["person"]:
            if self.start is None:
                self.start = People(dict(self.people.holders), dict(self.people.cards))
            self.people.set(words[1:], self._time)
            self.steps.append(Change(number, at, self.people.register()))
            return
        if len(words) < 2:  # noqa: PLR2004 - a door and what happens
            raise ValueError("want a door and what happens there, such as `front face anna`")
        door, verb, *rest = words
        if self.rules.doors and door not in self.rules.doors:
            raise ValueError(f"the rules have no door {door!r}; there are {', '.join(self.rules.doors)}")
        self._check(verb, rest, at)
        self.steps.append(Step(number, at, door, verb, tuple(rest)))

    def _check(self, verb: str, words: list[str], at: datetime) -> None:
        form = FORMS.get(verb)
        if form is None:
            raise ValueError(f"{verb!r} is nothing that happens at a door; there are {', '.join(FORMS)}")
        fewest, most = form.words
        if not fewest <= len(words) <= most or (form.first and words[0] not in form.first):
            raise ValueError(f"want `{form.usage}`")
        if verb == "face":
            if words[0] not in self.people.holders:
                raise ValueError(f"there is no person {words[0]!r}: add `person {words[0]} ...` above")
            if words[1:] not in ([], ["again"]):
                raise ValueError(f"want `{form.usage}`")
        elif verb == "storage" and words not in (["ok"], ["failed"], ["failed", "open"]):
            raise ValueError(f"want `{form.usage}`")
        elif verb == "types":
            typed(words[0], at)
        elif verb in {"card", "pin", "key"}:
            self._check_options(verb, words)

    def _check_options(self, verb: str, words: list[str]) -> None:
        options = credential_options(verb, words)
        if options is None:
            raise ValueError(f"want `{FORMS[verb].usage}`")
        key, mode = options.get("key"), options.get("mode")
        if key is not None and find_key(self.rules.attendance, key) is None:
            raise ValueError(f"there is no attendance key {key!r} in the rules")
        if mode is not None and mode not in set(Mode):
            raise ValueError(f"there is no mode {mode!r}; there are {', '.join(Mode)}")

    def _time(self, text: str) -> datetime:
        """The instant, UTC, that the clock on the wall shows."""
        day = self.day
        if dated := _DATE.fullmatch(text):
            day, text = date.fromisoformat(dated[1]), dated[2] or "00:00"
        found = _TIME.fullmatch(text)
        if found is None:
            raise ValueError(f"want a time such as 08:58, 08:58:05 or 02:30+01:00, got {text!r}")
        if day is None:
            raise ValueError("want a line such as `day 2026-11-23` above the first time")
        wall = datetime.combine(day, time.fromisoformat(found[1]))
        believable(wall.replace(tzinfo=UTC))
        if found[2]:
            return datetime.fromisoformat(f"{wall.isoformat()}{found[2]}").astimezone(UTC)
        return _instant(wall, self.rules.zone, self.at)


def credential_options(verb: str, words: list[str] | tuple[str, ...]) -> dict[str, Any] | None:
    """Returns what a line says of a credential by name: card, badge, pin, key, mode; None where it says it wrongly."""
    plain = ["badge", "pin"] if verb == "pin" and len(words) % 2 == 0 else [verb]
    rest = list(words)
    found: dict[str, Any] = dict(zip(plain, rest, strict=False))
    pairs = rest[len(plain) :]
    if len(found) < len(plain) or len(pairs) % 2:
        return None
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        if name not in {"key", "mode"} or name in found:
            return None
        found[name] = value
    return found


def _instant(wall: datetime, zone: ZoneInfo, after: datetime | None) -> datetime:
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None) != wall:
        raise ValueError(f"{wall:%H:%M} is never shown on {wall:%Y-%m-%d}: the clock is set forward over it")
    return second if after is not None and first < after <= second else first
