"""What a request about attendance asks for, once it makes sense."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Final, NoReturn

from starlette.requests import Request

from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.person_id import check_person_id
from agent.reports.basis import attendance, check_known, month_of
from agent.reports.exported import MEDIA_TYPES, Kind, csv_in_lots, exported, file_name, kinds
from agent.rules_in_force import load_rules
from agent.store.db import Db
from agent.store.rosters import who_worked

MOST_IN_A_FILE: Final = 300  # people: a spreadsheet or a page of more is nothing for the memory of a door
LONGEST: Final = 64  # characters of a value


class Asked:
    """The query of a request.

    Args:
        request: with its query.
        known: the names that it may have.

    Raises:
        CommandError: it has another, or one of them twice, or one too long.
    """

    def __init__(self, request: Request, *known: str) -> None:
        self.at = datetime.now(UTC)
        self._told = dict(request.query_params)
        odd = sorted(self._told.keys() - set(known))
        if odd or len(request.query_params.multi_items()) != len(self._told):
            refuse(f"want {', '.join(known)}, each once" + (f": not {odd[0][:40]!r}" if odd else ""))
        for name, value in self._told.items():
            if len(value) > LONGEST:
                refuse(f"{name}: want at most {LONGEST} characters")

    def text(self, name: str) -> str:
        """Returns a value; nothing where there is none."""
        return self._told.get(name, "")

    def person(self, name: str) -> str | None:
        """Returns the id of a person; None where there is none."""
        if not self.text(name):
            return None
        try:
            return check_person_id(self.text(name))
        except ValueError as error:
            raise CommandError(Code.BAD_REQUEST, f"{name}: {error}") from error

    def month(self, zone: tzinfo) -> tuple[date, date]:
        """Returns the first and the last day of the month; where none is named, of this one."""
        try:
            return month_of(self.text("month") or f"{self.at.astimezone(zone):%Y-%m}")
        except ValueError as error:
            raise CommandError(Code.BAD_REQUEST, f"month: {error}") from error

    def year(self) -> int:
        """Returns the year."""
        try:
            return month_of(f"{self.text('year')}-01")[0].year
        except ValueError:
            raise CommandError(Code.BAD_REQUEST, "year: want one as in 2026") from None

    def file(self) -> File:
        """Returns the file of a month."""
        if self.text("kind") not in set(Kind):
            refuse(f"kind: want one of {', '.join(Kind)}")
        return File(Kind(self.text("kind")), *self.month(UTC), self.person("person"), self.at)


@dataclass(frozen=True, slots=True)
class File:
    """A month to take away."""

    kind: Kind
    first: date
    last: date
    person: str | None  # None: of everybody
    at: datetime

    @property
    def headers(self) -> dict[str, str]:
        """What the browser is told of it."""
        name = file_name(self.first, self.kind, self.person)
        return {"Content-Type": MEDIA_TYPES[self.kind], "Content-Disposition": f'attachment; filename="{name}"'}

    def pieces(self, db: Db) -> Iterator[bytes]:
        """Yields its bytes.

        Raises:
            CommandError: there is no such person, or there are too many for a file of this kind.
        """
        rules = load_rules(db)
        if self.person is None and self.kind is Kind.CSV:
            yield from csv_in_lots(db, rules, self.first, self.last, at=self.at)
            return
        if self.kind not in kinds_of(db, self.person):
            refuse(
                f"there is no {self.kind} file of so many people from here, or XlsxWriter is missing: take the CSV, "
                f"one person, or on the device `latchkey report attendance --{self.kind}`"
            )
        found = attendance(db, rules, self.first, self.last, at=self.at, person=self.person)
        check_known(found, self.person)
        yield exported(found, self.kind)


def kinds_of(db: Db, person: str | None) -> list[Kind]:
    """Returns which files of a month there are, of a person or of everybody."""
    many = person is None and len(who_worked(db, after="", limit=MOST_IN_A_FILE + 1)) > MOST_IN_A_FILE
    return [Kind.CSV] if many else kinds()


def refuse(why: str) -> NoReturn:
    """Refuses what makes no sense.

    Raises:
        CommandError: always.
    """
    raise CommandError(Code.BAD_REQUEST, why)
