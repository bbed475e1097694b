"""An admin's side of the roster: puts and asks, over the broker."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Final, Self

from pydantic import ValidationError

from agent.errors import CommandError, NoAnswer
from agent.mqtt.connection import Outgoing
from agent.mqtt.inbox import Incoming
from agent.mqtt.message import Code
from agent.mqtt.settings import LinkSettings
from agent.roster.bodies import AdminBody, check_body
from agent.roster.document import Document, Kind, check_object, sign
from agent.roster.edits import Body, Editor
from agent.roster.line import Line
from agent.roster.messages import MOST_PAGE_BYTES, Answer, Ask, Done, Head, Put
from agent.roster.topics import RosterTopics
from agent.trust.keys import Admin, PublicKey, SigningKey
from agent.trust.roles import Role

_ROOM: Final = MOST_PAGE_BYTES - 4096  # bytes of documents in one message
TICK_SECONDS: Final = 0.1
AGAIN_SECONDS: Final = 2.0  # until a question is sent again: the service may have been away


class RosterClient:
    """A client of the service. A context; used by one thread.

    Args:
        settings: how to reach the broker.
        site: whose roster.
        key: of an admin, to sign with; None: only to look.
        owner: an owner's key, by which other admins' are known; None: `key` is one.
        seconds: how long to wait for an answer.
    """

    def __init__(
        self,
        settings: LinkSettings,
        site: str,
        key: SigningKey | None,
        *,
        owner: PublicKey | None = None,
        seconds: float = 10.0,
    ) -> None:
        self.site, self._key, self._seconds = site, key, seconds
        anchor = owner or (key.public if key else None)
        self._admins = {anchor.id: Admin(anchor, "owner", Role.OWNER)} if anchor else {}
        self._topics, self._who = RosterTopics(site), f"admin-{uuid.uuid4().hex[:12]}"
        self._answers: SimpleQueue[bytes] = SimpleQueue()
        self._ready, self._closing = threading.Event(), threading.Event()
        self.head: Head | None = None  # the last that was heard
        own = replace(settings, client_id=self._who, session_seconds=0, max_payload_bytes=2 * MOST_PAGE_BYTES)
        listens = (self._topics.head, self._topics.answer(self._who))
        self._line = Line(own, listens, self._hear, ready=self._ready.set)
        self._thread = threading.Thread(target=self._run, name="roster-client", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.set()
        self._thread.join(self._seconds)
        self._line.close()

    # Looking

    def get(self, object_: str) -> Document | None:
        """Returns the present document of an object, which may be a tombstone; None where there never was one."""
        answer = self._ask("get", object=check_object(object_))
        if answer.code is Code.UNKNOWN_OBJECT:
            return None
        return Document.parse(_good(answer).rows[0]["document"])

    def browse(self, prefix: str = "", *, bodies: bool = False) -> Iterator[tuple[int, Document]]:
        """Yields the number and the document of every object whose name begins so, by name; tombstones, too."""
        after, more = "", True
        while more:
            answer = _good(self._ask("list", prefix=prefix, after=after, bodies=bodies, limit=1000))
            for row in answer.rows:
                document = Document.parse(row["document"])
                after = document.header.object
                yield row["seq"], document
            more = answer.more

    def check(self, document: Document) -> None:
        """Sees that a document is by who may sign it: the service could hand out anything.

        Raises:
            CommandError: it is not; the code says why.
        """
        document.check_signer(self._admin(document.header.key))

    def head_now(self) -> Head:
        """Returns how much there is.

        Raises:
            NoAnswer: the service does not answer.
        """
        answer = _good(self._ask("list", limit=1))
        if answer.head is None:
            raise NoAnswer("the service of the roster does not say how much there is")
        return answer.head

    def history(self, object_: str) -> tuple[dict[str, Any], ...]:
        """Returns the versions of an object, the newest first: `seq`, `version`, `key`, `issued`, `gone`."""
        return _good(self._ask("history", object=check_object(object_), limit=1000)).rows

    # Changing

    def put(self, object_: str, body: Body | None, *, target: str | None = None, above: int = 0) -> Document:
        """Makes an object what `body` says, whatever it was; None: no more. `replace` keeps what others change."""
        base = self.get(object_)
        return self._editor().replace(object_, base, body, target or self._target(base), above=above)

    def replace(self, object_: str, base: Document | None, body: Body | None, *, target: str | None = None) -> Document:
        """Puts a change that was made from `base`; what others have changed since is kept, too.

        Raises:
            CommandError: see `agent.roster.edits.Editor.replace`.
            NoAnswer: the service does not answer; whether it is kept is seen by `get`.
        """
        return self._editor().replace(object_, base, body, target or self._target(base))

    def adopt(self, document: Document) -> Document:
        """Signs a document anew as it is: its signer is trusted no more, and what it says still holds.

        Only an owner should, having looked at it: nothing else vouches for what a revoked key has signed.
        """
        fresh = self.signed(document.header.object, document, document.body, document.header.target)
        (done,) = self._put([fresh])
        if not done.ok:
            raise CommandError(done.code or Code.FAILED, done.message or "refused")
        return fresh

    def put_all(self, documents: Iterable[Document]) -> Iterator[Done]:
        """Puts many signed documents, as many at once as fit into a message; yields what became of each, in order."""
        batch, size = list[Document](), 0
        for document in documents:
            length = len(document.text.encode()) + 1
            if batch and size + length > _ROOM:
                yield from self._put(batch)
                batch, size = [], 0
            batch.append(document)
            size += length
        if batch:
            yield from self._put(batch)

    def signed(self, object_: str, base: Document | None, body: Body | None, target: str | None = None) -> Document:
        """Returns the version that follows `base`, to be put with others."""
        version = base.header.version + 1 if base else 1
        return sign(object_, version, target or self._target(base), body, self._signing(), datetime.now(UTC))

    def _target(self, base: Document | None) -> str:
        return base.header.target if base else f"{self.site}/@all"

    def _editor(self) -> Editor:
        key = self._signing()
        return Editor(lambda document: self._put([document])[0], key, check=self.check, now=lambda: datetime.now(UTC))

    def _admin(self, key_id: str) -> Admin | None:
        """Whose key it is: an owner's, or one that an owner has put into the roster."""
        if key_id not in self._admins and (document := self.get(f"{Kind.ADMIN}/{key_id}")) is not None:
            document.check_signer(self._admins.get(document.header.key))
            body = check_body(document)
            if isinstance(body, AdminBody):
                self._admins[key_id] = body.admin(datetime.now(UTC))
        return self._admins.get(key_id)

    def _signing(self) -> SigningKey:
        if self._key is None:
            raise CommandError(Code.UNSIGNED, "changes of the roster have to be signed: there is no key here")
        return self._key

    def _put(self, documents: list[Document]) -> tuple[Done, ...]:
        put = Put(id=uuid.uuid4().hex, documents=tuple(document.as_json() for document in documents))
        done = self._exchange(self._topics.put(self._who), put.id, put.to_json()).done
        if len(done) != len(documents):
            raise NoAnswer("the service of the roster has answered for other documents: try again")
        return done

    def _ask(self, what: str, **more: Any) -> Answer:
        ask = Ask.model_validate({"id": uuid.uuid4().hex, "what": what, **more})
        return self._exchange(self._topics.ask(self._who), ask.id, ask.to_json())

    def _exchange(self, topic: str, id_: str, payload: bytes) -> Answer:
        """Sends a question, again where nobody hears it, and returns its answer; twice does no harm."""
        self._wait_ready()
        deadline = time.monotonic() + self._seconds
        while (left := deadline - time.monotonic()) > 0:
            self._line.send(Outgoing(topic, payload))
            answer = self._answer(id_, min(left, AGAIN_SECONDS))
            if answer is None:
                continue
            if answer.code is not None and not answer.done and answer.code is not Code.UNKNOWN_OBJECT:
                raise CommandError(answer.code, answer.message or "refused")
            return answer
        raise NoAnswer(
            f"the service of the roster of {self.site} does not answer within {self._seconds:g} s: "
            "does `latchkey roster serve` run?"
        )

    def _answer(self, id_: str, seconds: float) -> Answer | None:
        """The answer to a question; None where there is none in time."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = Answer.model_validate_json(self._answers.get(timeout=max(0.0, deadline - time.monotonic())))
            except Empty:
                return None
            except ValidationError:  # anybody may write there
                continue
            if answer.id == id_:
                return answer

    def _wait_ready(self) -> None:
        if not self._ready.wait(self._seconds):
            raise NoAnswer(f"no connection to the broker: {self._line.trouble}")

    def _run(self) -> None:
        while not self._closing.is_set():
            self._line.step(TICK_SECONDS)

    def _hear(self, message: Incoming) -> None:
        if message.topic == self._topics.answer(self._who):
            self._answers.put(message.payload)
            return
        with suppress(ValidationError):  # anybody may write there: what is not understood was not heard
            self.head = Head.model_validate_json(message.payload)


def _good(answer: Answer) -> Answer:
    if not answer.ok:
        raise CommandError(answer.code or Code.FAILED, answer.message or "refused")
    return answer
