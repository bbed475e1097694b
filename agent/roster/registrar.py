"""What the service does with what it is asked, without the network: checks, numbers, keeps, and makes pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from agent.errors import CommandError, StoreError
from agent.mqtt.message import Code
from agent.mqtt.wire import explain, recover_id
from agent.roster.bodies import AdminBody, check_body
from agent.roster.document import MOST_BYTES, Document, Kind
from agent.roster.messages import MOST_PAGE_BYTES, Answer, Ask, Done, Head, Pull, Put
from agent.roster.tally import Tally
from agent.roster.topics import RosterTopics
from agent.store import roster_book as book
from agent.store.db import Db
from agent.trust.keys import Admin, PublicKey, SigningKey
from agent.trust.roles import Role
from agent.trust.statement import read_json, signed_news

FARTHEST: Final = 1_000_000
"""Versions that a document may be above the present: clients use the next, but for a backup that is behind devices."""
_ROOM: Final = MOST_PAGE_BYTES - 4096  # for documents: the rest is the head and the envelope


class Registrar:
    """Keeps the roster of one site. Used by one thread.

    Args:
        db: the service's own database.
        site: whose roster it is.
        owner: an owner's key: the first to sign; others come by the roster itself.
        key: of the service: it signs heads, and no document.
        now: the time, UTC.
    """

    def __init__(
        self,
        db: Db,
        site: str,
        owner: PublicKey,
        key: SigningKey,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._db, self._key, self._now = db, key, now
        self._owner = Admin(owner, "owner", Role.OWNER)
        self.topics = RosterTopics(site)

    def head(self) -> dict[str, Any]:
        """Returns how much there is, signed."""
        state = book.state(self._db)
        body: dict[str, Any] = {
            "seq": state.seq,
            "tally": Tally.read(state.tally).text,
            "at": self._now().isoformat(),
            "public": self._key.public.text,
            "key": self._key.public.id,
        }
        entry = book.find(self._db, Kind.SERVICE)
        if entry is not None:  # an owner's word for the key
            body["service"] = json.loads(entry.document)
        return signed_news(self.topics.head, body, self._key)

    # What admins ask

    def put(self, payload: bytes) -> bytes:
        """Returns the answer to a `put`: each document is kept or refused by itself."""
        try:
            asked = Put.model_validate_json(payload)
        except ValidationError as error:
            return _refusal(payload, Code.BAD_REQUEST, explain(error))
        done = _in_a_message([self._kept(value) for value in read_json(payload)["documents"]])
        if any(each.ok for each in done):
            self._db.wipe_log()  # the bodies that they have replaced are in it still
        answer = Answer(id=asked.id, ok=all(each.ok for each in done), done=done, head=self._head())
        return answer.to_json()

    def ask(self, payload: bytes) -> bytes:
        """Returns the answer to an `ask`."""
        try:
            asked = Ask.model_validate_json(payload)
        except ValidationError as error:
            return _refusal(payload, Code.BAD_REQUEST, explain(error))
        rows: list[dict[str, Any]]
        more = False
        match asked.what:
            case "get":
                entry = book.find(self._db, asked.object or "")
                if entry is None:
                    return _refusal(payload, Code.UNKNOWN_OBJECT, f"the roster has no {asked.object or 'object'}")
                rows = [_row(entry, bodies=True)]
            case "list":
                rows, more = self._listed(asked)
            case "history":
                changes = book.history(self._db, asked.object or "", asked.limit)
                rows = [
                    {"seq": c.seq, "version": c.version, "key": c.key, "issued": c.issued, "gone": c.gone}
                    for c in changes
                ]
        return Answer(id=asked.id, ok=True, rows=tuple(rows), more=more, head=self._head()).to_json()

    # What devices ask

    def pull(self, device: str, payload: bytes) -> bytes | None:
        """Returns the page that a device has asked for; None where it has asked for nothing that there is.

        What is for others comes without its body, so that the device can see that nothing is kept from it.
        """
        try:
            asked = Pull.model_validate_json(payload)
        except ValidationError:
            return None
        targets = self._targets(device, asked.groups)
        rows, size, last = list[str](), 0, asked.after
        for entry in book.after(self._db, asked.after, asked.limit):
            text = f"[{entry.seq},{entry.document if entry.target in targets else entry.stub}]"
            if rows and size + len(text.encode()) > _ROOM:
                break
            rows.append(text)
            size, last = size + len(text.encode()) + 1, entry.seq
        more = "true" if self._newer(last) else "false"
        head = json.dumps(self.head())
        page = f'{{"id":"{asked.id}","head":{head},"rows":[{",".join(rows)}],"more":{more}}}'
        return page.encode()

    def _newer(self, seq: int) -> bool:
        return bool(book.after(self._db, seq, 1))

    def _targets(self, device: str, claimed: Sequence[str]) -> frozenset[str]:
        """Whom documents are for that this device gets: by the roster where it knows the device, else as it says."""
        site = self.topics.site
        entry = book.find(self._db, f"device/{site}/{device}")
        body = json.loads(entry.document).get("body") if entry else None
        groups = claimed if body is None else body["groups"]
        return frozenset({f"{site}/{device}", *(f"{site}/@{group}" for group in ("all", *groups))})

    # Keeping

    def _kept(self, value: object) -> Done:
        """Keeps a document, or says why not. The very same again is kept already."""
        name = str(value.get("object"))[:200] if isinstance(value, dict) else ""
        try:
            document = Document.parse(value)
            return self._numbered(document)
        except CommandError as error:
            return Done(object=name, ok=False, code=Code(error.code), message=str(error)[:2000])
        except StoreError as error:
            return Done(object=name, ok=False, code=Code.STORAGE_FAILED, message=str(error)[:2000])

    def _numbered(self, document: Document) -> Done:
        self._check(document)
        header = document.header
        with self._db.transaction():
            before = book.find(self._db, header.object)
            if before is not None and before.leaf == document.leaf:
                return Done(object=header.object, ok=True, seq=before.seq)
            present = before.version if before else 0
            if not present < header.version <= present + FARTHEST:
                return Done(
                    object=header.object,
                    ok=False,
                    code=Code.ROSTER_CHANGED,
                    message=f"version {present} is the present one: version {present + 1} can follow, "
                    f"this is {header.version}",
                    document=json.loads(before.document) if before else None,
                )
            state = book.state(self._db)
            seq = state.seq + 1
            tally = Tally.read(state.tally).replaced(before.leaf if before else None, document.leaf)
            entry = book.Entry(
                header.object, seq, header.version, header.target, document.leaf, document.stub, document.text
            )
            change = book.Change(seq, header.version, header.key, header.issued.isoformat(), document.gone)
            book.put(self._db, entry, change, tally.raw)
        return Done(object=header.object, ok=True, seq=seq)

    def _check(self, document: Document) -> None:
        """Refuses what devices would refuse: nothing that is not in order takes the place of what is.

        Raises:
            CommandError: saying what is wrong with it.
        """
        header = document.header
        if len(document.text.encode()) > MOST_BYTES:
            raise CommandError(Code.TOO_LARGE, f"{header.object}: a document has at most {MOST_BYTES:,} bytes")
        if not document.whole:
            raise CommandError(Code.BAD_REQUEST, f"{header.object}: the body is missing")
        if header.target.partition("/")[0] != self.topics.site:
            raise CommandError(Code.NOT_FOR_US, f'{header.object}: it is for "{header.target}", not of this site')
        document.check_signer(self._admin(header.key))
        check_body(document)

    def _admin(self, key_id: str) -> Admin | None:
        """Whose key it is: the owner's, or one that the roster holds."""
        if key_id == self._owner.key.id:
            return self._owner
        entry = book.find(self._db, f"{Kind.ADMIN}/{key_id}")
        body = json.loads(entry.document).get("body") if entry else None
        return None if body is None else AdminBody.model_validate_json(json.dumps(body)).admin(self._now())

    def _listed(self, asked: Ask) -> tuple[list[dict[str, Any]], bool]:
        rows, size = list[dict[str, Any]](), 0
        found = book.named(self._db, asked.prefix, asked.after, asked.limit + 1)
        for entry in found[: asked.limit]:
            size += len((entry.document if asked.bodies else entry.stub).encode())
            if rows and size > _ROOM:
                return rows, True
            rows.append(_row(entry, bodies=asked.bodies))
        return rows, len(found) > asked.limit

    def _head(self) -> Head:
        return Head.model_validate_json(json.dumps(self.head()))


def _row(entry: book.Entry, *, bodies: bool) -> dict[str, Any]:
    return {"seq": entry.seq, "document": json.loads(entry.document if bodies else entry.stub)}


def _in_a_message(done: Sequence[Done]) -> tuple[Done, ...]:
    """Leaves out present documents beyond what a message holds: who wants one asks for it."""
    told, size = list[Done](), 0
    for each in done:
        size += len(each.to_json())
        told.append(each if size <= _ROOM else each.model_copy(update={"document": None}))
    return tuple(told)


def _refusal(payload: bytes, code: Code, message: str) -> bytes:
    return Answer(id=recover_id(payload), ok=False, code=code, message=message).to_json()
