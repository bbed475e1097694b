"""What a database that comes back has to learn of what happened since the backup: nobody forgotten is back.

Who was forgotten is forgotten again, a key that was revoked stays so, who may sign in at the admin page stays as it
is, a command that was carried out is not carried out again, the numbers of events go on; no event is lost that nobody
has got yet, and no punch. All of it stands in the database that was in use; where that is lost, nobody here knows, and
the audit says so.

Whoever is in the backup and not in the database that was in use was forgotten or removed, whatever the id was then;
that counts only where the one is a continuation of the other, which the audit's chain shows. Else only receipts count.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from agent.audit import audit
from agent.backup.staging import Note
from agent.config import Config
from agent.errors import CommandError, StoreError
from agent.jobs.job import State
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.privacy.forgetting import Rule, forget, remove
from agent.register import Request
from agent.store import jobs, snapshots
from agent.store.db import Db, open_db

log = logging.getLogger(__name__)

REMEMBERED: Final = timedelta(hours=48)  # twice what a command may live, see agent.mqtt.admission.LONGEST
RESTORED: Final = "restored"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done."""

    note: Note
    before: bool  # the database that was in use could be asked
    forgotten: int  # people, once more
    revoked: int  # keys


def learn(db: Db, before: Path, config: Config, note: Note, request: Request) -> Restored:
    """Brings a database that comes back up to date, once, with a row in its audit.

    Args:
        db: of the backup.
        before: the database that was in use; may be absent or damaged.
        config: what becomes of attendance.
        note: what is restored.
        request: who asks.
    """
    token = json.dumps(note.model_dump_json())
    if db.rows("SELECT 1 FROM started WHERE what = ? AND value = ?", (RESTORED, token)):  # the power was cut after this
        return Restored(note, before=True, forgotten=0, revoked=0)
    with _other(db, before) as known, db.transaction() as sql:
        done = Restored(note, known, 0, 0)
        kept = {"answers": 0, "events": 0, "punches": 0}
        if known:
            kept |= {"events": snapshots.keep_events(db), "punches": snapshots.keep_punches(db)}
            done = Restored(note, known, _forget_again(db, config, request), snapshots.keep_admins(db))
            snapshots.keep_device_keys(db)
            snapshots.keep_accounts(db)
            kept["answers"] = snapshots.keep_answers(db, request.at - REMEMBERED)
        _end_jobs(db, note, request, known=known)
        snapshots.go_on_numbering(db, known=known)
        sql.execute("INSERT OR REPLACE INTO started VALUES (?, ?)", (RESTORED, token))
        audit(db, RESTORED, None, request, _told(done, kept))
        if done.forgotten:
            db.vacuum()
    return done


def _told(done: Restored, kept: Mapping[str, int]) -> dict[str, object]:
    note = done.note
    return {
        "made_at": timestamp(note.made_at),
        "software": note.software,
        "device": f"{note.site}/{note.device}",
        "before": "known" if done.before else "lost",
        "forgotten": done.forgotten,
        "revoked": done.revoked,
        **kept,
    }


def _end_jobs(db: Db, note: Note, request: Request, *, known: bool) -> None:
    """What was under way when the backup was made is not gone on with; the restoring itself is done."""
    for job in jobs.unfinished(db):
        told = "a backup was put in place: ask it again"
        ended = replace(job, state=State.FAILED, code=Code.INTERRUPTED.value, message=told, changed_at=request.at)
        jobs.finish(db, ended)
    if known and note.command_id is not None:
        snapshots.keep_job(db, note.command_id)
        own = jobs.find(db, note.command_id)
        if own is not None:
            data = {"made_at": timestamp(note.made_at), "device": f"{note.site}/{note.device}"}
            jobs.finish(db, replace(own, state=State.DONE, data=data, changed_at=request.at))


@contextmanager
def _other(db: Db, before: Path) -> Iterator[bool]:
    """The database that was in use as `other`; whether it can be asked."""
    if not before.exists():
        log.warning("who was forgotten since the backup is not known: there was no database here")
        yield False
        return
    try:
        with open_db(before, create=False) as old:  # brought to the same version
            old.check()
    except StoreError as error:
        log.warning("who was forgotten since the backup is not known: %s", error)
        yield False
        return
    with snapshots.beside(db, before):
        yield True


def _forget_again(db: Db, config: Config, request: Request) -> int:
    receipts = [snapshots.take_receipt(db, receipt) for receipt in snapshots.missing_receipts(db)]
    gone = dict.fromkeys(snapshots.gone(db), Rule.ASKED.value) | dict(receipts)
    done = 0
    for person, rule in gone.items():
        with suppress(CommandError):  # nothing is held of the person: forgotten before the backup, or never known
            if rule == Rule.REMOVED:  # from the door: the traces stay
                remove(db, person, request)
            else:
                forget(db, config, person, request, reason="forgotten since the backup", vacuum=False)
            done += 1
    return done
