"""Everything that is held about a person, for the person: GDPR, articles 15 and 20.

Other people are taken out: who was second best in a match, who came along, who made a correction. Secrets are not
handed out, for they would help whoever finds the file: of a PIN and of cards it is told that there are such.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from agent.config import Config
from agent.errors import CommandError, StoreError
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.privacy.chain import Row
from agent.privacy.forgetting import ids_now
from agent.privacy.page import page
from agent.privacy.redaction import VOCABULARY, Others, relabelled
from agent.seal.sealing import BrokenSealError
from agent.seal.turning import Turn
from agent.store import audit as chain
from agent.store import places, roster, traces
from agent.store.db import Db
from agent.store.places import Fate
from agent.store.sealing import STORED, Whose
from agent.types import Event

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """What a row of the templates, or of the signatures, holds."""

    vector: bytes  # float32, little-endian, as the encoder made it
    crop: bytes | None = None  # JPEG


Open = Callable[[str, Mapping[str, Any]], Template]
"""Opens a row of a table of `VECTORS`, sealed or not."""

VECTORS: Final = ("templates", "signatures")
"""Tables of what encoders have made of a person."""

WITHHELD: Final = {
    ("pins", "hash"): "(secret)",
    ("pins", "duress"): "(secret)",
    ("cards", "digest"): "(secret)",
}
_SEALED: Final = {"pin", "cards", "templates", "signatures"}
LATEST: Final = 200
"""Rows of each kind, the latest, where the answer has to be small."""


def unsealed(db: Db) -> Open:
    """Returns what opens the templates and signatures of a database that was opened with the site's key.

    One that does not open, because somebody has changed the file, is told as empty.
    """
    turns: dict[int, Turn] = {}

    def opened(table: str, row: Mapping[str, Any]) -> Template:
        whose = Whose(row["person"], row["model"], table)
        try:
            sealed, crop = whose.open(db.seal, row["vector"], row.get("crop"))
        except BrokenSealError as error:
            log.warning("%s, row %d of %s is %s", table, row["id"], row["person"], error)
            return Template(b"")
        vector = np.frombuffer(sealed, STORED).astype(np.float32)  # (D,)
        if len(vector) not in turns:
            turns[len(vector)] = Turn(db.seal.key, len(vector))
        return Template(turns[len(vector)].back(vector).astype(STORED).tobytes(), crop)

    return opened


def held(
    db: Db, config: Config, person: str, at: datetime, *, opened: Open | None = None, limit: int | None = None
) -> dict[str, Any]:
    """Returns all that is held about a person, as JSON values.

    Args:
        db: the database.
        config: whose device.
        person: id; also of somebody who was removed and has left traces.
        at: now.
        opened: opens templates; None leaves the vectors out.
        limit: so many rows of a kind at most, the latest.

    Raises:
        CommandError: nothing is held of this person.
    """
    ids = ids_now(db, person)
    others = _others(db, ids)
    tables: dict[str, list[dict[str, Any]]] = {}
    for table, column in places.places(db, Fate.DELETED, Fate.ATTENDANCE, Fate.RECEIPT):
        if rows := places.rows(db, table, column, ids):
            tables[table] = [others(_shown(table, row, opened)) for row in rows]
    changes = {row.number: row for each in ids for row in chain.about(db, each)}.values()
    kinds: dict[str, list[dict[str, Any]]] = {
        **tables,
        "roster": [others(row) for id_ in ids for row in _waiting(db, id_)],
        "events": [_event(event, others, ids) for event in traces.naming(db, ids) if _concerns(event, ids)],
        "audit": [_change(row, others) for row in changes],
    }
    counts = {kind: len(rows) for kind, rows in kinds.items() if rows}
    if not counts:
        raise CommandError(Code.UNKNOWN_PERSON, f"nothing is held of {person[:80]!r}")
    return {
        "person": person,
        "former_ids": ids[1:],
        "at": timestamp(at),
        "site": config.device.site,
        "device": config.device.name,
        "counts": counts,
        "held": {kind: rows[-limit:] if limit else rows for kind, rows in kinds.items() if rows},
    }


def _waiting(db: Db, person: str) -> list[dict[str, Any]]:
    """What the site's roster says of a person and could not be put in force here; of secrets that there are such."""
    kept = roster.held(db, f"person/{person}")
    if kept is None or kept.waiting is None:
        return []
    body = json.loads(kept.waiting).get("body") or {}
    told = {name: "(secret)" if name in _SEALED and value else value for name, value in body.items()}
    return [{"person": person, "version": kept.version, "problem": kept.code, **told}]


def crops(db: Db, ids: Sequence[str], opened: Open) -> dict[str, bytes]:
    """Returns the pictures that the templates were made of, where they are kept, by a name for each."""
    rows = places.rows(db, "templates", "person", ids)
    found = {f"templates/{row['id']}.jpg": opened("templates", row).crop for row in rows}
    return {name: crop for name, crop in found.items() if crop is not None}


def write_zip(path: Path, everything: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Writes `data.json`, `index.html` and the pictures into a file that nobody else may read, whole or not at all.

    Raises:
        StoreError: the file cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    moment = datetime.fromisoformat(str(everything["at"])).timetuple()[:6]
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(handle, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
                texts = {
                    "index.html": page(everything),
                    "data.json": json.dumps(everything, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
                }
                for name, text in texts.items():
                    archive.writestr(zipfile.ZipInfo(name, moment), text.encode(), zipfile.ZIP_DEFLATED)
                for name, file in files.items():
                    archive.writestr(zipfile.ZipInfo(name, moment), file)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}: want a file in a folder that you may write to") from error


def _others(db: Db, ids: list[str]) -> Others:
    """Takes everybody else out of JSON."""
    known = [(person, name) for person, name in db.rows("SELECT id, name FROM people") if person not in ids]
    own = {name for person, name in db.rows("SELECT id, name FROM people") if person in ids}
    former = []
    if places.FORMER in places.columns(db):
        former = [was for (was,) in db.rows("SELECT was FROM former_ids") if was not in ids]
    return Others([*(person for person, _ in known), *former], {name for _, name in known} - own)


def _shown(table: str, row: Mapping[str, Any], opened: Open | None) -> dict[str, Any]:
    """A row of a table as JSON, without what is withheld."""
    shown: dict[str, Any] = {}
    for column, value in row.items():
        if (table, column) in WITHHELD:
            shown[column] = WITHHELD[table, column] if value is not None else None
        elif table == "receipts" and column == "what":
            shown[column] = json.loads(value)
        elif not isinstance(value, bytes):
            shown[column] = value
    if table in VECTORS and opened is not None:
        shown["vector"] = base64.b64encode(opened(table, row).vector).decode()
    return shown


def _concerns(event: Event, ids: list[str]) -> bool:
    """Whether an event is about the person; to have been the second best in a match of others is not."""
    if event.kind == "audit":  # told as rows of the audit
        return False
    said = (value for key, value in event.body.items() if key != "second" and key not in VOCABULARY)
    return any(value in ids or (isinstance(value, list) and any(each in ids for each in value)) for value in said)


def _event(event: Event, others: Others, ids: list[str]) -> dict[str, Any]:
    labels = {} if event.body.get("person") in ids else relabelled(event.body, Others.MARK)
    return {"kind": event.kind, "at": timestamp(event.at), "id": event.id, **others(event.body), **labels}


def _change(row: Row, others: Others) -> dict[str, Any]:
    told = {"subject": row.subject, "by": row.by, "details": chain.details(row)}
    return {"number": row.number, "at": row.at, "action": row.action, **others(told)}
