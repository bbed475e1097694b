"""Changes of the roster that lose nobody else's: compare and set per object, and where somebody was faster, merge.

read version 3 ──► change ──► put version 4 ──┬─► kept
                      ▲                       └─► `roster_changed`, with version 4 of somebody else
                      └──── both changes, field by field ◄──┘        or a disagreement, told by field
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.mqtt.wire import explain
from agent.roster.bodies import BODIES, check_body, plain
from agent.roster.document import Document, Kind, sign
from agent.roster.merge import Disagreement, merged
from agent.roster.messages import Done
from agent.trust.keys import SigningKey
from agent.trust.statement import canonical

TRIES: Final = 20
Body: TypeAlias = Mapping[str, Any]
PutOne: TypeAlias = Callable[[Document], Done]


@dataclass(frozen=True, slots=True)
class Editor:
    """Signs and puts changes.

    Args:
        put: sends a document and returns what became of it.
        key: of an admin.
        check: raises CommandError where a document is not by who may sign it: nothing forged is signed again.
        now: the time, UTC.
    """

    put: PutOne
    key: SigningKey
    _: KW_ONLY
    check: Callable[[Document], object]
    now: Callable[[], datetime]

    def replace(
        self, object_: str, base: Document | None, body: Body | None, target: str, *, above: int = 0
    ) -> Document:
        """Puts a body in the place of the one of `base`; what others have changed since is kept, too.

        Args:
            object_: its name.
            base: what the change was made from; None: there was none.
            body: what it is to be; None: no more.
            target: whom it is for.
            above: its version is to be above this one, too: devices have taken it, and the service has lost it.

        Returns:
            The document that is kept, with others' changes where there were any.

        Raises:
            CommandError: `roster_changed`: others have changed the same fields; the message names them. Or the service
                refuses it, with its code.
        """
        if base is not None:
            self.check(base)
        base_body, mine = _plain(base), body
        was = base.header.target if base else None
        for _ in range(TRIES):
            version = max(above, base.header.version if base else 0) + 1
            document = sign(object_, version, target, mine, self.key, self.now())
            check_body(document)
            if document.gone and base is None:
                raise CommandError(Code.UNKNOWN_OBJECT, f"the roster has no {object_}")
            done = self.put(document)
            if done.ok:
                return document
            if done.code is not Code.ROSTER_CHANGED:
                raise CommandError(done.code or Code.FAILED, done.message or f"{object_}: refused")
            base = Document.parse(done.document) if done.document is not None else None
            if base is not None:
                self.check(base)
            theirs = _plain(base)
            mine = _both(object_, base, base_body, theirs, mine)
            if base is not None:
                target = _whom(base, was, target)
                if mine == theirs and target == base.header.target:
                    return base  # somebody has made the same change
                was = base.header.target
            base_body = theirs
        raise CommandError(Code.BUSY, f"{object_}: others keep changing it: try again later")


def _both(
    object_: str, theirs: Document | None, base: Body | None, there: Body | None, mine: Body | None
) -> Body | None:
    try:
        return merged(base, there, normal(object_, mine))
    except Disagreement as error:
        raise _changed(object_, theirs, ", ".join(error.fields)) from None


def _whom(theirs: Document, was: str | None, mine: str) -> str:
    """Whom it is for when both changes are made."""
    there = theirs.header.target
    if there in {was, mine}:
        return mine
    if mine == was:
        return there
    raise _changed(theirs.header.object, theirs, "target")


def _changed(object_: str, theirs: Document | None, what: str) -> CommandError:
    who = f"key {theirs.header.key} at {theirs.header.issued.isoformat()}" if theirs else "somebody"
    return CommandError(
        Code.ROSTER_CHANGED, f"{object_}: {what} was changed meanwhile, by {who}: look at it, and change it again"
    )


def normal(object_: str, body: Body | None) -> Body | None:
    """Returns a body with one way to write each value.

    Raises:
        CommandError: it is not what its kind wants.
    """
    if body is None:
        return None
    kind = Kind(object_.partition("/")[0])
    try:
        return plain(BODIES[kind].model_validate_json(canonical(body)))
    except ValidationError as error:
        raise CommandError(Code.BAD_REQUEST, f"{object_}: {explain(error)}") from None


def _plain(document: Document | None) -> Body | None:
    return None if document is None else normal(document.header.object, document.body)
