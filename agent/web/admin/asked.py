"""What a request about attendance asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, Field

from agent.errors import CommandError
from agent.moments import FIRST, LAST
from agent.mqtt.message import Code, Person
from agent.reports.basis import attendance, check_known, month_of
from agent.reports.exported import MEDIA_TYPES, Kind, csv_in_lots, exported, file_name, kinds
from agent.rules_in_force import load_rules
from agent.store.db import Db
from agent.store.rosters import who_worked
from agent.web.admin.operations import Query

MOST_IN_A_FILE: Final = 300  # people: a spreadsheet or a page of more is nothing for the memory of a door


def _month(text: str) -> str:
    month_of(text)
    return text


Month: TypeAlias = Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}$"), AfterValidator(_month)]


class Seen(Query):
    """What the page has already."""

    seen: Annotated[str, Field(max_length=64)] = ""


class OfMonth(Query):
    """Of which month, as in 2026-11, and of whom."""

    month: Month | None = None  # none: this one
    person: Person | None = None  # none: everybody, lot by lot
    after: Person | None = None  # the last one of the lot before

    def days(self, at: datetime, zone: tzinfo) -> tuple[date, date]:
        """Returns the first and the last of them; `at` is now."""
        return month_of(self.month or f"{at.astimezone(zone):%Y-%m}")


class OfYear(Query):
    """Of which year, and of whom."""

    year: Annotated[int, Field(ge=FIRST.year, lt=LAST.year)]
    person: Person


class File(Query):
    """A month to take away."""

    kind: Kind
    month: Month
    person: Person | None = None  # none: of everybody

    @property
    def headers(self) -> dict[str, str]:
        """What the browser is told of it."""
        name = file_name(month_of(self.month)[0], self.kind, self.person)
        return {"Content-Type": MEDIA_TYPES[self.kind], "Content-Disposition": f'attachment; filename="{name}"'}

    def pieces(self, db: Db, at: datetime) -> Iterator[bytes]:
        """Yields its bytes; `at` is now.

        Raises:
            CommandError: there is no such person, or there are too many for a file of this kind.
        """
        rules, (first, last) = load_rules(db), month_of(self.month)
        if self.person is None and self.kind is Kind.CSV:
            yield from csv_in_lots(db, rules, first, last, at=at)
            return
        if self.kind not in kinds_of(db, self.person):
            raise CommandError(
                Code.BAD_REQUEST,
                f"there is no {self.kind} file of so many people from here, or XlsxWriter is missing: take the CSV, "
                f"one person, or on the device `latchkey report attendance --{self.kind}`",
            )
        found = attendance(db, rules, first, last, at=at, person=self.person)
        check_known(found, self.person)
        yield exported(found, self.kind)


def kinds_of(db: Db, person: str | None) -> list[Kind]:
    """Returns which files of a month there are, of a person or of everybody."""
    many = person is None and len(who_worked(db, after="", limit=MOST_IN_A_FILE + 1)) > MOST_IN_A_FILE
    return [Kind.CSV] if many else kinds()
