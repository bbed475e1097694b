"""A table of people to enrol, looked at before anything is done: what each line would do, and what is wrong with it.

It is the roll's (`agent.members.roll`) with two columns more: `card`, a number, and `photos`, files parted by ';' or
'|'.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final, NotRequired
from zoneinfo import ZoneInfo

from typing_extensions import TypedDict

from agent.errors import CommandError
from agent.members.particulars import Changes, foresee
from agent.members.roll import Entry, Wrong, read_lines
from agent.mqtt.message import MAX_PHOTOS, Code
from agent.mqtt.telemetry import timestamp
from agent.pins import card_hint, digest_card
from agent.store.credentials import find_card
from agent.store.db import Db
from agent.store.sealing import card_key

MORE: Final = ("card", "photos")
MOST_LINES: Final = 5000


class LineTold(TypedDict):
    """A line of a table: what is wrong with it, or what it becomes and what to send."""

    line: int  # its number
    person: NotRequired[str]
    problem: NotRequired[str]
    becomes: NotRequired[str]  # "added", "changed" or "unchanged"
    changes: NotRequired[dict[str, Any]]  # arguments of `person_set`
    card: NotRequired[str]
    hint: NotRequired[str]  # the card's last characters
    photos: NotRequired[list[str]]  # names of files


class Preview:
    """Looks at one table.

    Args:
        db: who is known now; opened with the site's key.
        photos: the names of the files that came with the table.
        at: now.
    """

    def __init__(self, db: Db, photos: Collection[str], at: datetime) -> None:
        self._db, self._photos, self._at, self._key = db, frozenset(photos), at, card_key(db)
        self._badges, self._cards = dict[str, int](), dict[str, int]()

    def lines(self, text: str, zone: ZoneInfo) -> Iterator[LineTold]:
        """Yields for each line who it is and what it `becomes`, or the `problem`, with what to send then.

        Raises:
            CommandError: it is no such table, or too long.
        """
        count = 0
        for count, each in enumerate(read_lines(text, zone, MORE), 1):
            if count > MOST_LINES:
                raise CommandError(Code.TOO_LARGE, f"line {each.line}: at most {MOST_LINES} people at once: part it")
            yield self._line(each)
        if not count:
            raise CommandError(Code.BAD_REQUEST, "nobody stands in the table")

    def _line(self, each: Entry | Wrong) -> LineTold:
        if isinstance(each, Wrong):
            return {"line": each.line, "problem": each.problem}
        try:
            card, photos = self._card(each), self._of_photos(each)
            self._twice(self._badges, each.changes.get("badge"), each.line, "badge number")
            becomes = foresee(self._db, each.person, each.changes, self._at)
        except ValueError as error:
            return {"line": each.line, "person": each.person, "problem": str(error)}
        told: LineTold = {"line": each.line, "person": each.person, "becomes": becomes, "changes": _json(each.changes)}
        if card:
            told["card"], told["hint"] = card, card_hint(card)
        told["photos"] = photos
        return told

    def _card(self, each: Entry) -> str:
        number = each.more.get("card", "")
        if not number:
            return ""
        digest = digest_card(number, self._key)
        self._twice(self._cards, digest, each.line, "card")
        there = find_card(self._db, digest)
        if there is not None and there.person != each.person:
            raise ValueError(f"this card is that of {there.person}: remove it there first")
        return number

    def _of_photos(self, each: Entry) -> list[str]:
        """Files by their names alone: a browser does not tell in which folder they are."""
        given = [part.strip() for part in re.split("[;|]", each.more.get("photos", "")) if part.strip()]
        names = [PurePosixPath(part.replace("\\", "/")).name for part in given]
        if missing := [name for name in names if name not in self._photos]:
            raise ValueError(f"no photo {missing[0][:80]!r} was dropped beside the table")
        if len(names) > MAX_PHOTOS:
            raise ValueError(f"{len(names)} photos of {each.person}: at most {MAX_PHOTOS}")
        return names

    @staticmethod
    def _twice(seen: dict[str, int], value: str | None, line: int, what: str) -> None:
        if value is not None and (before := seen.setdefault(value, line)) != line:
            raise ValueError(f"this {what} stands in line {before} already")


def _json(changes: Changes) -> dict[str, Any]:
    """Arguments of `person_set`."""
    return {
        key: timestamp(value) if isinstance(value, datetime) else [*value] if isinstance(value, tuple | list) else value
        for key, value in changes.items()
    }
