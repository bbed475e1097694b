"""Many people at once into the roster: from a table, or from a device where they are enrolled."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.errors import CommandError
from agent.members.roll import Entry
from agent.mqtt.message import Code
from agent.roster.client import RosterClient
from agent.roster.document import Document, Kind
from agent.roster.edits import Body, normal


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one person."""

    person: str
    done: str  # "added", "changed", "unchanged"; "refused" with `code` and `message`
    code: str | None = None
    message: str | None = None


def put_table(client: RosterClient, entries: Sequence[Entry], *, dry: bool = False) -> Iterator[Outcome]:
    """Adds and changes the people of a table in the roster; nobody is removed, what it does not name stays.

    Args:
        client: to the service.
        entries: of `agent.members.roll.read_roll`.
        dry: only say what would be done.

    Yields:
        What became of each, in no order.
    """
    bases = {document.name: document for _, document in client.browse(f"{Kind.PERSON}/", bodies=True)}
    changed = dict[str, tuple[Document | None, Body]]()
    for entry in entries:
        base = bases.get(entry.person)
        before = normal(f"{Kind.PERSON}/{entry.person}", base.body) if base else None
        try:
            body = _with(entry, before)
        except CommandError as error:
            yield Outcome(entry.person, "refused", error.code, f"line {entry.line}: {error}")
            continue
        if body == before:
            yield Outcome(entry.person, "unchanged")
        elif dry:
            yield Outcome(entry.person, "changed" if before else "added")
        else:
            changed[entry.person] = base, body
    if not dry:
        yield from _put(client, changed)


def publish(
    client: RosterClient, person: str, tell: Callable[[str, Body | None], Body], *, target: str | None = None
) -> Outcome:
    """Puts a person into the roster as a device knows them.

    Args:
        client: to the service.
        person: their id.
        tell: asks the device for the body of a person, given the one that the roster has (`roster_person`).
        target: whom it is for; None: as before, or everybody.
    """
    name = f"{Kind.PERSON}/{person}"
    base = client.get(name)
    before = normal(name, base.body) if base else None
    body = normal(name, tell(person, before))
    if body == before and (target is None or (base and base.header.target == target)):
        return Outcome(person, "unchanged")
    client.replace(name, base, body, target=target)
    return Outcome(person, "changed" if before else "added")


def _put(client: RosterClient, changed: Mapping[str, tuple[Document | None, Body]]) -> Iterator[Outcome]:
    """Puts all at once; what somebody else has changed meanwhile is merged one by one."""
    documents = (
        client.signed(f"{Kind.PERSON}/{person}", base, body) for person, (base, body) in _seen(client, changed)
    )
    for done in client.put_all(documents):
        person = done.object.partition("/")[2]
        base, body = changed[person]
        what = "changed" if base and base.body else "added"
        if done.code is Code.ROSTER_CHANGED:
            try:
                client.replace(done.object, base, body)
            except CommandError as error:
                yield Outcome(person, "refused", error.code, str(error))
                continue
        elif not done.ok:
            yield Outcome(person, "refused", done.code, done.message)
            continue
        yield Outcome(person, what)


def _seen(
    client: RosterClient, changed: Mapping[str, tuple[Document | None, Body]]
) -> Iterator[tuple[str, tuple[Document | None, Body]]]:
    """The same; each version that is built upon is seen to be by who may sign it."""
    for person, (base, body) in changed.items():
        if base is not None:
            client.check(base)
        yield person, (base, body)


def _with(entry: Entry, before: Body | None) -> Body:
    """The body with what the table says."""
    values = {name: _plain(value) for name, value in entry.changes.items()}
    body = {"name": entry.person, **(before or {}), **values}
    return normal(f"{Kind.PERSON}/{entry.person}", json.loads(json.dumps(body))) or {}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return sorted(set(value)) if isinstance(value, list | tuple | set | frozenset) else value  # groups
