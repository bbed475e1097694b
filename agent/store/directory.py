"""A page of the people who are looked for, in an order, with how many there are in all; and the numbers above the list.

Which ones is found first, and only what is shown is read whole: of ten thousand people a page costs what a page costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from typing_extensions import TypedDict

from agent.access.holder import State
from agent.store.db import Db
from agent.store.members import group_counts
from agent.store.people import Person, get_people
from agent.store.times import to_text

_NO_CONSENT: Final = "NOT coalesce((SELECT given FROM consents WHERE person = people.id ORDER BY id DESC LIMIT 1), 0)"
_NO_TEMPLATE: Final = "NOT EXISTS (SELECT 1 FROM templates WHERE person = people.id AND model = :model)"
_ENDS: Final = "valid_to >= :now AND valid_to < :soon"
_GROUP: Final = 'EXISTS (SELECT 1 FROM memberships WHERE person = people.id AND "group" = :group)'
_SEARCH: Final = "instr(casefold(id || char(10) || name || char(10) || coalesce(badge, '')), :search)"


class Order(StrEnum):
    """By what people are listed."""

    NAME = "name"
    ID = "id"
    NEWEST = "newest"
    ENDS = "ends"


class Lack(StrEnum):
    """What somebody has to see to."""

    CONSENT = "consent"
    TEMPLATE = "template"  # of the model that is compared
    TIME = "time"  # their time ends soon


_ORDERS: Final = {
    Order.NAME: "casefold(name), id",
    Order.ID: "id",
    Order.NEWEST: "enrolled_at DESC, id",
    Order.ENDS: "valid_to IS NULL, valid_to, id",
}
_LACKS: Final = {Lack.CONSENT: _NO_CONSENT, Lack.TEMPLATE: _NO_TEMPLATE, Lack.TIME: _ENDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What lacks go by."""

    model: str  # whose templates are compared
    now: datetime
    soon: datetime  # until then an end is near

    @property
    def parameters(self) -> dict[str, str]:
        """As SQLite has them."""
        return {"model": self.model, "now": to_text(self.now), "soon": to_text(self.soon)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Who is looked for."""

    search: str = ""  # in id, name or badge number, in capitals or not
    group: str = ""
    state: State | None = None
    lacks: Lack | None = None
    order: Order = Order.NAME
    offset: int = 0
    limit: int = 50

    @property
    def where(self) -> str:
        """Of the query."""
        asked = (
            _SEARCH if self.search else "",
            _GROUP if self.group else "",
            "state = :state" if self.state else "",
            _LACKS[self.lacks] if self.lacks else "",
        )
        return " AND ".join(filter(None, asked)) or "1"


class Numbers(TypedDict):
    """How many there are."""

    people: int
    states: dict[str, int]
    groups: dict[str, int]  # by name
    lacks: dict[str, int]


def find(db: Db, wanted: Wanted, basis: Basis) -> tuple[list[Person], int]:
    """Return a page of the people who are looked for, and how many there are in all."""
    told = basis.parameters | {
        "search": wanted.search.casefold(),
        "group": wanted.group,
        "state": wanted.state,
        "limit": wanted.limit,
        "offset": wanted.offset,
    }
    page = f"SELECT id FROM people WHERE {wanted.where} ORDER BY {_ORDERS[wanted.order]} LIMIT :limit OFFSET :offset"  # noqa: S608 - ours
    ids = [id_ for (id_,) in db.rows(page, told)]
    count = db.rows(f"SELECT count(*) FROM people WHERE {wanted.where}", told)[0][0]  # noqa: S608 - ours
    return get_people(db, ids), count


def numbers(db: Db, basis: Basis) -> Numbers:
    """Return how many people there are: in all, by state and group, and of whom something is lacking."""
    columns = ", ".join(f"coalesce(sum({each}), 0)" for each in _LACKS.values())
    count, *lacks = db.rows(f"SELECT count(*), {columns} FROM people", basis.parameters)[0]  # noqa: S608 - ours
    states = dict(db.rows("SELECT state, count(*) FROM people GROUP BY state ORDER BY state"))
    groups = group_counts(db)
    lacking = dict(zip(map(str, _LACKS), lacks, strict=True))
    return {"people": count, "states": states, "groups": groups, "lacks": lacking}
