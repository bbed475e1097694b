"""The chain of changes: how a row of the audit is hashed, and how a broken chain is found. Pure.

    digest(salt, value) = SHA-256(json([salt, value]))
    hash                = SHA-256(json([hash before, number, at, boot_id, action, by_digest, about_digest]))

in hexadecimal, over canonical JSON in UTF-8. What may name a person, `by` and `about` (subject, command id and
details), enters the chain as a salted digest: when a person is forgotten, text and salt are erased, the digest stays,
and the chain still holds. A row that is erased without a later row that says so is a break like any other.

Whoever can write the database can make a whole new chain: only a hash that is known elsewhere, an `Anchor`, shows
that. Every `event/audit` carries one, and so does `health`.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

GENESIS: Final = "0" * 64
"""The hash before row 1."""
PRUNED: Final = "audit_pruned"
"""The action of the row that says up to which row the front was removed: `to` and `hash` in its details."""
NOBODY: Final = frozenset(
    {"cli", "mqtt", "start", "schedule", "retention", "clock", "kiosk", "tamper", "rules", "door", "configuration"}
)
"""Who did it, or what it is about, where that is no person: nobody of such an id is erased."""
FORGOTTEN: Final = "forgotten"
"""The action of the row that says that a person was forgotten: it names the person for as long as the receipt does."""
ERASED: Final = "audit_rows"
"""The key in details under which a row says of which earlier rows it was erased what they are about."""
ERASED_BY: Final = "audit_rows_by"
"""The same of who did it."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A row's number and hash; (0, GENESIS) is the one before all."""

    number: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> Anchor:
        """Returns the anchor that `str` wrote, HASH@NUMBER, or raises ValueError."""
        found = re.fullmatch(r"([0-9a-f]{64})@(\d{1,18})", text.strip().lower())
        if not found:
            raise ValueError(f"an anchor is a hash of 64 hexadecimal digits, '@' and a row's number; got {text[:90]!r}")
        return cls(int(found[2]), found[1])

    def __str__(self) -> str:
        return f"{self.hash}@{self.number}"


START: Final = Anchor(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the audit as it is stored; `by`, or what it is about, is None with its salt once erased."""

    number: int  # 1, 2, 3
    at: str  # UTC, ISO 8601, milliseconds
    boot_id: str
    action: str
    by: str | None
    by_salt: str | None
    by_digest: str
    subject: str | None
    command_id: str | None
    details: str | None  # canonical JSON
    about_salt: str | None
    about_digest: str
    hash: str

    @property
    def anchor(self) -> Anchor:
        """The row's number and hash."""
        return Anchor(self.number, self.hash)

    @property
    def halves(self) -> tuple[tuple[str, str | None], ...]:
        """The salts of its two halves, None once erased, by the key under which a later row says so."""
        return (ERASED_BY, self.by_salt), (ERASED, self.about_salt)


@dataclass(frozen=True, slots=True)
class Break:
    """The first row that does not fit."""

    number: int
    problem: str


def canonical(value: object) -> str:
    """Returns JSON with keys in order of their code points, no spaces, and no escapes but those that JSON demands.

    Raises:
        ValueError: it is not JSON; NaN and infinity are not.
    """
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except TypeError as error:
        raise ValueError(f"the details of an audit row are not JSON: {error}") from error


def at_text(at: datetime) -> str:
    """Returns a time as rows and events have it: UTC, milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def link(
    before: Anchor,
    *,
    at: datetime,
    boot_id: str,
    action: str,
    by: str,
    subject: str | None,
    command_id: str | None,
    details: str,
) -> Row:
    """Returns the row that follows `before`, with new salts; `details` is canonical JSON."""
    by_salt, about_salt = secrets.token_hex(16), secrets.token_hex(16)
    row = Row(
        before.number + 1,
        at_text(at),
        boot_id,
        action,
        by,
        by_salt,
        _hash([by_salt, by]),
        subject,
        command_id,
        details,
        about_salt,
        _hash([about_salt, _about(subject, command_id, details)]),
        hash="",
    )
    return replace(row, hash=_chained(before.hash, row))


def first_break(rows: Iterable[Row], start: Anchor = START, known: Anchor | None = None) -> Break | None:
    """Returns what is wrong with the first row that does not fit, or None where the chain holds; see `Checking`."""
    checking = Checking(start, known)
    for row in rows:
        if broken := checking.see(row):
            return broken
    return checking.end()


class Checking:
    """Looks at a chain row by row: `see` each, by number, then `end`. The first break is the one.

    Args:
        start: the last row that was removed from the front.
        known: a row as it was told outside: the only thing that shows a tail cut off, or a chain made anew.
    """

    def __init__(self, start: Anchor = START, known: Anchor | None = None) -> None:
        self.last = start
        self._start, self._known = start, known
        self._erased: list[tuple[int, str]] = []
        self._explained: set[tuple[int, str]] = set()
        self._pruned = start == START

    def see(self, row: Row) -> Break | None:
        """Returns why the row cannot follow the last one, or None."""
        if problem := _misfit(self.last, row):
            return Break(min(row.number, self.last.number + 1), problem)
        self.last, start, known = row.anchor, self._start, self._known
        self._erased += [(row.number, key) for key, salt in row.halves if salt is None]
        if row.details is not None:
            details = json.loads(row.details)
            self._explained.update(
                (number, key) for key, _ in row.halves for number in details.get(key, ()) if number < row.number
            )
            self._pruned |= row.action == PRUNED and (details.get("to"), details.get("hash")) == (
                start.number,
                start.hash,
            )
        if known is not None and known.number == row.number and known.hash != row.hash:
            return Break(row.number, "is not the row that was told outside: the chain was made anew up to here")
        return None

    def end(self) -> Break | None:
        """Returns what only the whole shows, or None: there are no more rows."""
        if not self._pruned:
            return Break(
                self._start.number, "and those before it are missing, and no later row says that they were pruned"
            )
        if unexplained := [number for number, key in self._erased if (number, key) not in self._explained]:
            return Break(unexplained[0], "was erased, and no later row says why")
        return _against(self._known, self._start, self.last)


def _misfit(last: Anchor, row: Row) -> str | None:
    """Why a row cannot follow the last one."""
    if row.number != last.number + 1:
        return "is missing" if row.number > last.number else "has a number that cannot be"
    if row.hash != _chained(last.hash, row):
        return "was changed or inserted, or the one before it was"
    if (row.by is None) != (row.by_salt is None) or (
        row.by is not None and row.by_digest != _hash([row.by_salt, row.by])
    ):
        return "was changed: it names another who did it"
    if row.about_salt is None:
        whole = row.subject is None and row.command_id is None and row.details is None
    else:
        whole = row.details is not None and _is_canonical(row.details)
        whole = whole and row.about_digest == _hash([row.about_salt, _about(row.subject, row.command_id, row.details)])
    return None if whole else "was changed: its subject, command id or details are others"


def _against(known: Anchor | None, start: Anchor, last: Anchor) -> Break | None:
    """What a row that was told outside shows of the ends of the chain."""
    if known is None or start.number < known.number <= last.number:
        return None
    if known.number > last.number:
        return Break(last.number + 1, f"and all up to {known.number} are missing: the end of the chain was cut off")
    if known.number == start.number and known.hash != start.hash:
        return Break(known.number, "is not the row that was told outside: the chain was made anew up to here")
    return None  # pruned: nothing can be said, and nothing is wrong


def _chained(before: str, row: Row) -> str:
    return _hash([before, row.number, row.at, row.boot_id, row.action, row.by_digest, row.about_digest])


def _about(subject: str | None, command_id: str | None, details: str | None) -> dict[str, object]:
    return {"subject": subject, "command_id": command_id, "details": json.loads(details or "null")}


def _is_canonical(details: str) -> bool:
    """Whether the text is the one that was written: another one of the same value is a change as well."""
    try:
        value = json.loads(details)
        return isinstance(value, dict) and canonical(value) == details
    except (ValueError, RecursionError):
        return False


def _hash(value: object) -> str:
    # surrogatepass: a damaged database is a broken chain, not a crash
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()
