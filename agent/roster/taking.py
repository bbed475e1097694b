"""What a device does with a page of the roster: verifies, puts in force, remembers how far it has read.

A page is one transaction with the cursor. Of each object the highest version counts that an admin has signed: older
ones are refused, so that nobody brings back who was removed. What cannot be put in force is kept as a problem, told,
and tried again; the rest goes on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from agent.attendance.punch import Clock
from agent.audit import audit
from agent.clock import clock_state
from agent.config import Config
from agent.errors import CommandError, RulesRefused
from agent.mqtt.message import Code
from agent.register import Request
from agent.roster.biometrics import Site
from agent.roster.document import Document, Kind
from agent.roster.groups import groups_of
from agent.roster.heads import service_of
from agent.roster.inforce import apply, release, signer
from agent.roster.messages import Head
from agent.roster.tally import Tally
from agent.store import roster
from agent.store.db import Db
from agent.store.roster import Held, Reading

QUIET: Final = timedelta(minutes=1)
"""Between two rows of the audit that the service is doubted: anybody who may write there may forge a head."""
MOST_WAITING: Final = 1000  # documents that are looked at again when a key has come
_KEPT: Final = {Kind.DEVICE, Kind.SERVICE}  # documents that are looked up later
_UNVERIFIED: Final = {Code.UNKNOWN_KEY, Code.BAD_SIGNATURE, Code.NOT_PERMITTED, Code.ROLLED_BACK, Code.WITHHELD}


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a page."""

    cursor: int  # ask for what is after it
    done: bool  # there is no more
    whole: bool  # what is held is all that the head tells of; only where it is done


class Taking:
    """A device that takes what the roster says. Its functions are called where its database is written.

    Args:
        config: which device it is, its owner, what becomes of those who are forgotten.
        site: what is compared here.
        boot_id: for the audit.
    """

    def __init__(self, config: Config, site: Site, boot_id: str) -> None:
        self._config, self._site, self._boot_id = config, site, boot_id
        self._clock: tuple[datetime, Clock] | None = None
        self._doubted_at: datetime | None = None  # that was audited

    def check_head(self, db: Db, head: Head, now: datetime) -> Reading:
        """Returns how far the device has read, having noted what the head says.

        Raises:
            CommandError: it is not by the service, or older than one that was heard before.
        """
        before = roster.reading(db)
        try:
            public = service_of(db, self._config, head, before)
        except CommandError as error:
            self._trouble(db, before, error, now)
            raise
        after = replace(before, head=head.seq, service=public.raw, targets=self._aimed_at(db))
        if after.targets != before.targets:  # the device has another name, or its file names other groups
            after = replace(after, cursor=0)
        if after != before:
            roster.read_to(db, after)
        return after

    def groups(self, db: Db) -> tuple[str, ...]:
        """Returns the groups that the device is in."""
        return groups_of(db, self._config)

    def take(self, db: Db, head: Head, rows: Sequence[tuple[int, Any]], now: datetime, *, more: bool) -> Taken:
        """Puts the documents of a page in force.

        Args:
            db: to write to.
            head: of the page.
            rows: numbers and documents.
            now: UTC.
            more: there are others after them.

        Raises:
            CommandError: see `check_head`; nothing was done.
            StoreError: nothing was done.
        """
        reading = self.check_head(db, head, now)
        with db.transaction():
            tally = Tally.read(reading.tally)
            for seq, value in rows:
                tally = self._one(db, value, tally, now)
                reading = replace(reading, cursor=max(reading.cursor, seq))
            if not more:
                reading = replace(reading, cursor=head.seq)
            if any(_is_key(value) for _, value in rows):
                for held in roster.problems_of(db, Code.UNKNOWN_KEY, MOST_WAITING):
                    self._again(db, held, now)
            if (now_for := self._aimed_at(db)) != reading.targets:  # what was for others may be ours: all is read again
                reading, more = replace(reading, cursor=0, targets=now_for), True
            fits = not more and tally.text == head.tally
            trouble = None if fits else reading.trouble
            roster.read_to(db, replace(reading, tally=tally.raw, trouble=trouble))
        return Taken(reading.cursor, not more, more or fits)

    def try_again(self, db: Db, after: str, limit: int, now: datetime) -> str:
        """Tries some of what is not in force once more: consent may have come since, or a badge number be free.

        Args:
            db: to write to.
            after: those whose names come after this one.
            limit: so many at the most.
            now: UTC.

        Returns:
            The name of the last; empty where there are no more.
        """
        found = roster.problems(db, limit, after=after)
        with db.transaction():
            for held in found:
                self._again(db, held, now)
        return found[-1].object if len(found) == limit else ""

    def start_over(self, db: Db) -> None:
        """Lets everything be read again: the tally does not fit."""
        roster.read_to(db, replace(roster.reading(db), cursor=0))

    def miss(self, db: Db, head: Head, now: datetime) -> None:
        """Notes that the service tells of something that it does not hand out."""
        error = CommandError(
            Code.WITHHELD, f"what the service hands out is not all that its head at {head.seq} tells of"
        )
        self._trouble(db, roster.reading(db), error, now)

    def _one(self, db: Db, value: Any, tally: Tally, now: datetime) -> Tally:
        """Takes one document; returns the tally with it."""
        try:
            document = Document.parse(value)
        except CommandError as error:  # it has no place of its own: the tally will not fit
            self._audit(db, None, "roster_refused", now, {"code": error.code})
            return tally
        name = document.header.object
        before = roster.held(db, name)
        after = self._held(db, document, before, now)
        if after != before:
            roster.hold(db, after)
            if after.code is not None and (before is None or before.code != after.code):
                details = {"object": name, "version": document.header.version, "code": after.code}
                self._audit(db, document, "roster_refused", now, details)
        return tally.replaced(before.leaf if before else None, after.leaf)

    def _held(self, db: Db, document: Document, before: Held | None, now: datetime) -> Held:
        """What is held of an object once a document was taken, or refused."""
        header = document.header
        ours = header.target in self._targets(db)
        version, taken = (before.version, before.taken) if before else (0, None)
        known = before is not None and taken == document.leaf and before.ours == ours
        if known and before is not None and before.code is None:
            return replace(before, leaf=document.leaf)
        standing = before.document if before else None
        text = document.text if document.kind in _KEPT else None
        held = Held(header.object, header.version, document.leaf, document.leaf, ours, document=text)
        try:
            admin = document.check_signer(signer(db, self._config, header.key))
            _check_version(document, version, taken)
            if ours:
                _check_whole(document)
            request = self._request(f"roster:{admin.name}", now)
            with db.transaction():
                if ours:
                    wrong = apply(db, document, self._config, self._site, request)
                    return held if wrong is None else _problem(held, wrong, document)
                release(db, document, self._config, request, held=before is not None and before.ours)
            return held
        except RulesRefused as error:
            return _problem(replace(held, document=standing), CommandError(Code.BAD_RULES, str(error)), document)
        except CommandError as error:
            known_ours = before.ours if before else ours
            unseen = replace(held, version=version, taken=taken, ours=known_ours)
            refused = unseen if error.code in _UNVERIFIED else held
            return _problem(replace(refused, document=standing), error, document)
        except ValueError as error:  # what the database refuses
            return _problem(replace(held, document=standing), CommandError(Code.FAILED, str(error)), document)

    def _again(self, db: Db, held: Held, now: datetime) -> None:
        if held.waiting is not None and held.code not in {Code.ROLLED_BACK, Code.WITHHELD}:
            self._one(db, json.loads(held.waiting), Tally(), now)

    def _targets(self, db: Db) -> frozenset[str]:
        site = self._config.device.site
        groups = (f"{site}/@{group}" for group in ("all", *groups_of(db, self._config)))
        return frozenset({f"{site}/{self._config.device.name}", *groups})

    def _aimed_at(self, db: Db) -> str:
        return " ".join(sorted(self._targets(db)))

    def _trouble(self, db: Db, reading: Reading, error: CommandError, now: datetime) -> None:
        told = f"{error.code}: {error}"
        if reading.trouble != told:
            with db.transaction():
                roster.read_to(db, replace(reading, trouble=told))
                if self._doubted_at is None or now - self._doubted_at >= QUIET:
                    self._doubted_at = now
                    self._audit(db, None, "roster_doubted", now, {"code": error.code})

    def _audit(self, db: Db, document: Document | None, action: str, now: datetime, details: dict[str, object]) -> None:
        subject = document.name if document is not None and document.kind is Kind.PERSON else None
        audit(db, action, subject, self._request("roster", now), details)

    def _request(self, by: str, now: datetime) -> Request:
        if self._clock is None or self._clock[0] != now:  # looked at once a page
            self._clock = now, clock_state(self._config.clock.synchronised_file)
        return Request(by, now, self._boot_id, clock=self._clock[1])


def _problem(held: Held, error: CommandError, document: Document) -> Held:
    return replace(held, code=str(error.code), problem=str(error)[:2000], waiting=document.text)


def _check_version(document: Document, version: int, taken: bytes | None) -> None:
    header = document.header
    if header.version < version or (header.version == version and taken != document.leaf):
        raise CommandError(
            Code.ROLLED_BACK, f"{header.object}: version {version} was taken, and this is another {header.version}"
        )


def _check_whole(document: Document) -> None:
    if not document.whole:
        name = document.header.object
        raise CommandError(Code.WITHHELD, f"{name}: it is for this device, and came without its body")


def _is_key(value: Any) -> bool:
    return isinstance(value, dict) and str(value.get("object")).startswith(f"{Kind.ADMIN}/")
