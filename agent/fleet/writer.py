"""Writes down what devices say: a batch in one transaction, each event once, however often it comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import psycopg

from agent.fleet import forgetting, quarantine
from agent.fleet.database import Pg, translated
from agent.fleet.letter import Doubt, Letter, Record, State

REFUSED: Final = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)
"""For what it is, such as a NUL in a text, or a text that no index takes: trying again would not help."""
WRITING: Final = 5_001_003
"""Key of the advisory lock that writers share, and who forgets has alone: no event slips in behind their back."""

_COLUMNS: Final = "site, device, id, seq, kind, at, boot_id, historical, person, people, body"
_EVENTS: Final = f"""
    INSERT INTO events ({_COLUMNS})
    SELECT {_COLUMNS} FROM json_to_recordset(%s::json) AS told(site text, device text, id text, seq bigint, kind text,
        at timestamptz, boot_id text, historical boolean, person text, people text[], body jsonb)
    ON CONFLICT DO NOTHING
"""  # noqa: S608  ours
_SEQS: Final = """
    INSERT INTO device_seqs (site, device, key_id, seqs)
    SELECT site, device, key_id, range_agg(int8range(seq, seq, '[]')) FROM
        json_to_recordset(%s::json) AS told(site text, device text, key_id text, seq bigint)
    GROUP BY site, device, key_id ORDER BY site, device, key_id
    ON CONFLICT (site, device, key_id) DO UPDATE SET seqs = device_seqs.seqs + excluded.seqs, changed_at = now()
"""
_STATES: Final = """
    INSERT INTO device_states AS kept (site, device, what, at, body)
    SELECT site, device, what, at, body FROM json_to_recordset(%s::json) AS told(site text, device text, what text,
        at timestamptz, body jsonb)
    ON CONFLICT (site, device, what) DO UPDATE SET at = excluded.at, body = excluded.body,
        received_at = excluded.received_at
    WHERE kept.at IS NULL OR excluded.at IS NULL OR excluded.at >= kept.at
"""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch."""

    records: tuple[Record, ...] = ()  # that are in the database now: they may be acknowledged
    new: int = 0  # of them
    doubts: int = 0

    def __add__(self, other: Written) -> Written:
        return Written(self.records + other.records, self.new + other.new, self.doubts + other.doubts)


class Writer:
    """Writes batches. Used by one thread.

    Args:
        pg: the connection of the moment.
    """

    def __init__(self, pg: Callable[[], Pg]) -> None:
        self._pg = pg
        self._pepper = b""

    def write(self, letters: Sequence[Letter]) -> Written:
        """Writes a batch down, all or nothing; what the database refuses for what it is goes to the quarantine.

        Raises:
            DatabaseAway: nothing was written; the same batch may be written again.
        """
        records = [each for each in letters if isinstance(each, Record)]
        states = [each for each in letters if isinstance(each, State)]
        doubts = [each for each in letters if isinstance(each, Doubt)]
        with translated():
            self._prepare(records)
            try:
                return self._whole(records, states, doubts)
            except REFUSED as error:
                return self._refused(letters, error)

    def _refused(self, letters: Sequence[Letter], error: psycopg.Error) -> Written:
        """Finds the one that the database does not take."""
        if len(letters) > 1:
            half = len(letters) // 2
            return self.write(letters[:half]) + self.write(letters[half:])
        letter = letters[0]
        if isinstance(letter, Record | State):
            return self.write([quarantine.refused(letter, str(error))])
        raise error

    def _prepare(self, records: Sequence[Record]) -> None:
        """Makes partitions, in a transaction of their own: other writers wait for it no longer than it takes.

        Looked at for each batch: a month that was there may have been dropped meanwhile, and its events would lie
        where nobody looks for them.
        """
        pg = self._pg()
        if not self._pepper:
            with pg.transaction():
                row = pg.execute("SELECT value FROM pepper").fetchone()
                self._pepper = bytes(row[0]) if row else b""
        if months := sorted({record.at.astimezone(UTC).date().replace(day=1) for record in records}):
            with pg.transaction():
                pg.execute("SELECT ensure_month(month) FROM unnest(%s::date[]) AS month", [months])

    def _whole(self, records: Sequence[Record], states: Sequence[State], doubts: Sequence[Doubt]) -> Written:
        pg = self._pg()
        forgotten = [(record, person) for record in records if (person := forgetting.asks(record)) is not None]
        with pg.transaction():
            lock = "pg_advisory_xact_lock" if forgotten else "pg_advisory_xact_lock_shared"
            pg.execute(f"SELECT {lock}({WRITING})")
            new = self._events(pg, records)
            if states:
                latest = {(state.site, state.device, state.what): state for state in states}
                pg.execute(_STATES, [_as_json([_state(latest[key]) for key in sorted(latest)])])
            quarantine.put(pg, doubts)
            for record, person in forgotten:
                forgetting.forget(pg, self._pepper, record, person)
        return Written(tuple(records), new, len(doubts))

    def _events(self, pg: Pg, records: Sequence[Record]) -> int:
        if not records:
            return 0
        # In one order, or two writers with the same events wait for each other
        told = sorted(forgetting.late(pg, self._pepper, records), key=lambda each: (each.site, each.device, each.id))
        new: int = pg.execute(_EVENTS, [_as_json([_row(record) for record in told])]).rowcount
        numbers = [{"site": each.site, "device": each.device, "key_id": each.key_id, "seq": each.seq} for each in told]
        pg.execute(_SEQS, [_as_json(numbers)])
        return new


def _row(record: Record) -> dict[str, Any]:
    return {
        "site": record.site,
        "device": record.device,
        "id": record.id,
        "seq": record.seq,
        "kind": record.kind,
        "at": record.at.isoformat(),
        "boot_id": record.boot_id,
        "historical": record.historical,
        "person": record.person,
        "people": record.people,
        "body": record.body,
    }


def _state(state: State) -> dict[str, Any]:
    at: datetime | None = state.at
    return {
        "site": state.site,
        "device": state.device,
        "what": state.what,
        "at": at.isoformat() if at else None,
        "body": state.body,
    }


def _as_json(rows: Sequence[object]) -> str:
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
