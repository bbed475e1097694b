"""Forgets what has been kept long enough, by kind: what would go (`plan`), and going (`carry_out`).

nights = Nights(config, write, request)
nights.step(db)  # of a worker, every minute or so: runs once a night
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from agent.audit import audit
from agent.clock import clock_state
from agent.config import Config
from agent.errors import CommandError
from agent.privacy import night
from agent.privacy.chain import ERASED, ERASED_BY, PRUNED
from agent.privacy.forgetting import Rule, forget
from agent.store import audit as chain
from agent.store import events, receipts
from agent.store import retention as store
from agent.store.db import Db
from agent.write import Write

if TYPE_CHECKING:
    from agent.register import Request

log = logging.getLogger(__name__)

UNKNOWN = "unknown"  # folder of data_dir with pictures of people nobody knows
SLACK = timedelta(days=365)  # before the oldest day there is


@dataclass(frozen=True, slots=True)
class Plan:
    """What has been kept long enough."""

    now: datetime
    counts: Mapping[str, int]  # by kind, those that are not 0
    people: Mapping[str, Rule] = field(default_factory=dict)  # to be forgotten, and why

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values."""
        return {"counts": {**self.counts}, "people": {person: rule.value for person, rule in self.people.items()}}


def plan(db: Db, config: Config, now: datetime) -> Plan:
    """Returns what would be forgotten at `now`."""
    limits = _Limits(config, now)
    counts: dict[str, int] = {}
    if before := limits.before("events"):
        counts["events"] = events.count_old(db, before, broker=config.mqtt.enabled)
    if before := limits.before("attendance"):
        counts["attendance"] = store.old_attendance(db, before)
    if before := limits.before("audit"):
        to = chain.prunable(db, before)
        counts["audit"] = to.number - chain.start(db).number if to else 0
    if before := limits.before("receipts"):
        counts["receipts"] = len(receipts.before(db, before))
    if before := limits.before("unknown"):
        counts["unknown"] = len(_old_pictures(config, before))
    people: dict[str, Rule] = {}
    if before := limits.before("visitor"):
        people |= dict.fromkeys(store.visitors_whose_hours_ended(db, before), Rule.VISITOR)
    if before := limits.before("left"):
        people |= dict.fromkeys(store.people_who_left(db, before), Rule.LEFT)
    return Plan(now, {kind: count for kind, count in counts.items() if count}, people)


def carry_out(db: Db, config: Config, now: datetime, request: Request) -> dict[str, Any]:
    """Forgets what has been kept long enough; returns what that was, with the receipts of the people.

    Each person and each kind is a transaction of its own: after a crash the rest goes the next time.

    Args:
        db: the database.
        config: how long what is kept.
        now: the time, which somebody has to have found credible.
        request: who asks, for the audit.
    """
    todo, limits = plan(db, config, now), _Limits(config, now)
    done: dict[str, Any] = {"removed": {}, "people": {}}
    for person, rule in todo.people.items():
        try:
            done["people"][person] = forget(db, config, person, request, rule=rule, vacuum=False).id
        except CommandError:  # removed by somebody else in the meantime
            continue
    removed = done["removed"]
    if "events" in todo.counts and (before := limits.before("events")):
        removed["events"] = events.prune(db, before, broker=config.mqtt.enabled)
    if "attendance" in todo.counts and (before := limits.before("attendance")):
        removed["attendance"] = store.delete_attendance(db, before)
    if "receipts" in todo.counts and (before := limits.before("receipts")):
        removed["receipts"] = _expire_receipts(db, before, request)
    if "audit" in todo.counts and (before := limits.before("audit")):
        removed["audit"] = _prune_audit(db, before, request)
    if "unknown" in todo.counts and (before := limits.before("unknown")):
        removed["unknown"] = _delete_pictures(_old_pictures(config, before))
    with db.transaction():
        store.note_run(db, now)
        if removed or done["people"]:
            audit(db, "retention_ran", None, request, {"removed": removed, "people": len(done["people"])})
            db.wipe_log()
        if done["people"]:
            db.vacuum()
    return done


class Nights:
    """Forgets once a night; see `agent.privacy.night` for when, and for clocks that are wrong.

    Args:
        config: how long what is kept.
        write: makes the changes.
        request: makes who asks of a time: by "retention".
        now: the time in the device's zone.
    """

    def __init__(
        self,
        config: Config,
        write: Write,
        request: Callable[[datetime], Request],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC).astimezone(),
    ) -> None:
        self._config, self._write, self._request, self._now = config, write, request, now

    def step(self, db: Db) -> bool:
        """Runs if a night has come; returns whether anything was forgotten by it. `db` is read by this thread."""
        now, past = self._now(), store.past(db)
        if not night.is_due(now, past, self._config.retention.hour):
            return False
        clock = clock_state(self._config.clock.synchronised_file)
        match night.trust(now, past, clock, most_days_ahead=self._config.retention.most_days_ahead):
            case night.Trust.NO:
                log.debug("nothing is forgotten: the clock is not set")
                return False
            case night.Trust.DOUBT:
                log.log(
                    logging.WARNING if past.ran_at else logging.INFO,  # every device has its first night
                    "nothing is forgotten tonight: the clock says %s, the last night was %s; believed if it says so "
                    "again tomorrow, or by `latchkey retention run`",
                    f"{now:%Y-%m-%d %H:%M}", f"{past.ran_at:%Y-%m-%d %H:%M} UTC" if past.ran_at else "never",
                )  # fmt: skip
                self._write(lambda db: store.note_doubt(db, now))
                return False
        done = self._write(lambda db: carry_out(db, self._config, now, self._request(now)))
        log.info("retention ran: %d people, %s", len(done["people"]), done["removed"])
        return True


@dataclass(frozen=True, slots=True)
class _Limits:
    """Up to when what is kept goes."""

    config: Config
    now: datetime

    def before(
        self, kind: Literal["events", "attendance", "audit", "receipts", "unknown", "visitor", "left"]
    ) -> datetime | None:
        """Returns the time before which this kind goes; None where it never does."""
        days: float | Literal["never"] = getattr(self.config.retention, f"{kind}_days")
        if days == "never":
            return None
        oldest = datetime.min.replace(tzinfo=UTC) + SLACK
        return self.now - timedelta(days=days) if self.now - oldest > timedelta(days=days) else oldest


def _expire_receipts(db: Db, before: datetime, request: Request) -> int:
    """Deletes old receipts, and erases from the audit whom they are about."""
    with db.transaction():
        old = receipts.before(db, before)
        rows = {row.number: row for receipt in old for row in chain.about(db, receipt.person)}
        expired = {receipt.id for receipt in old}
        numbers = {number for number, row in rows.items() if row.action in {"forgotten", "removed"}}
        numbers = {number for number in numbers if chain.details(rows[number]).get("receipt") in expired}
        # What those rows said was erased is said by the one that follows
        said = {
            key: {each for number in numbers for each in chain.details(rows[number]).get(key, ())}
            for key in (ERASED, ERASED_BY)
        }
        chain.erase_about(db, sorted(numbers))
        said[ERASED] |= numbers
        told = {key: sorted(each) for key, each in said.items()}
        audit(db, "receipts_expired", None, request, {"receipts": len(old), **told})
        return receipts.delete(db, before)


def _prune_audit(db: Db, before: datetime, request: Request) -> int:
    """Cuts the front off the chain, and says so at its end."""
    with db.transaction():
        to = chain.prunable(db, before)
        if to is None:
            return 0
        removed = chain.prune(db, to)
        audit(db, PRUNED, None, request, {"to": to.number, "hash": to.hash})
    return removed


def _old_pictures(config: Config, before: datetime) -> list[Path]:
    folder = config.device.data_dir / UNKNOWN
    try:
        return [path for path in sorted(folder.rglob("*")) if path.is_file() and _mtime(path) < before.timestamp()]
    except OSError as error:
        log.warning("pictures of unknown people cannot be listed: %s", error)
        return []


def _mtime(path: Path) -> float:
    return path.stat().st_mtime


def _delete_pictures(pictures: list[Path]) -> int:
    removed = 0
    for path in pictures:
        try:
            path.unlink(missing_ok=True)
            removed += 1
        except OSError as error:
            log.warning("a picture of an unknown person stays: %s", error)
    return removed
